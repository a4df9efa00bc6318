"""The network that machines are in: a bridge of this machine's, which routes for them."""

import contextlib
import ipaddress
import secrets
from collections.abc import Sequence
from pathlib import Path

from dev import commands
from dev.cloud.shell import run
from dev.errors import EngineError


class Network:
    """A bridge with an address in `block`, its first one.

    Machines reach each other, this machine, and through it the world.

    Arguments:
        name: of the interface; 15 characters at most.
        block: a private IPv4 network in CIDR form that nothing else of this machine uses.
        loopback_ports: of this machine's, that machines reach at the bridge's address.
    """

    def __init__(self, name: str, block: str, loopback_ports: Sequence[int] = ()) -> None:
        self.name = name
        self.block = ipaddress.IPv4Network(block)
        self.gateway = str(self.block[1])
        self._rules = [
            ["filter", "FORWARD", "--in-interface", name, "--jump", "ACCEPT"],
            ["filter", "FORWARD", "--out-interface", name, "--jump", "ACCEPT"],
            ["nat", "POSTROUTING", "--source", block, "!", "--out-interface", name, "--jump", "MASQUERADE"],
            *(self._to_loopback(port) for port in loopback_ports),
        ]

    def make(self) -> None:
        """Put it up.

        Raises:
            EngineError: This machine's network can't be changed.
        """
        run("ip", "link", "add", "name", self.name, "type", "bridge")
        self.answer_at(f"{self.gateway}/{self.block.prefixlen}")
        run("ip", "link", "set", self.name, "up")
        # Packets to 127.0.0.1 that come from elsewhere are dropped without it.
        Path(f"/proc/sys/net/ipv4/conf/{self.name}/route_localnet").write_text("1")
        for table, chain, *rule in self._rules:
            run("iptables", "--wait", "--table", table, "--insert", chain, *rule)

    def answer_at(self, address: str) -> None:
        """Give this machine one more address here, in CIDR form."""
        run("ip", "address", "add", address, "dev", self.name)

    def lead(self, address: str) -> None:
        """Send what goes to `address` into this network."""
        run("ip", "route", "replace", f"{address}/32", "dev", self.name)

    def lead_no_more(self, address: str) -> None:
        """Undo `lead`; nothing happens where it was not called for this address."""
        with contextlib.suppress(EngineError):
            run("ip", "route", "delete", f"{address}/32", "dev", self.name)

    def plug(self, process: int) -> None:
        """Give the network namespace of a process the interface eth0 here."""
        pair = f"vm{secrets.token_hex(5)}"
        run("ip", "link", "add", pair, "type", "veth", "peer", "name", "eth0", "netns", str(process))
        run("ip", "link", "set", pair, "master", self.name, "up")

    def _to_loopback(self, port: int) -> list[str]:
        to = ["--in-interface", self.name, "--destination", self.gateway, "--protocol", "tcp", "--dport", str(port)]
        return ["nat", "PREROUTING", *to, "--jump", "DNAT", "--to-destination", f"127.0.0.1:{port}"]

    def remove(self) -> None:
        """Take it away, with its routes."""
        for table, chain, *rule in self._rules:
            with contextlib.suppress(EngineError):  # it was never put up that far
                run("iptables", "--wait", "--table", table, "--delete", chain, *rule)
        if commands.output(["ip", "link", "show", self.name]) is not None:
            run("ip", "link", "delete", self.name)


def free_block(candidates: Sequence[str]) -> str:
    """The first of these networks that no route of this machine's touches.

    Raises:
        EngineError: There is none.
    """
    told = commands.output(["ip", "-4", "route"]) or ""
    taken = [ipaddress.IPv4Network(word) for word in told.split() if _is_network(word)]
    for block in candidates:
        if not any(ipaddress.IPv4Network(block).overlaps(other) for other in taken if other.prefixlen > 0):
            return block
    raise EngineError(f"all of {candidates[0]} … {candidates[-1]} is in use here; `ip route` shows by what")


def _is_network(word: str) -> bool:
    try:
        return "." in word and bool(ipaddress.IPv4Network(word, strict=False))
    except ValueError:
        return False
