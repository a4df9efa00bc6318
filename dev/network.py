"""The machine's network as our own dockerd uses it: bridges, addresses and ports of its own, and their removal."""

import hashlib
import shlex
import socket
import subprocess
from collections.abc import Sequence
from pathlib import Path

from dev import commands, home
from dev.errors import EngineError


def mark() -> str:
    """Tells the engines of two MCP_FLEET_HOMEs apart."""
    return hashlib.sha256(str(home.home()).encode()).hexdigest()[:8]


def bridge_name() -> str:
    """The network interface of our containers; a name of 15 characters at most."""
    return f"mcpf-{mark()}"


def gateway_bridge_name() -> str:
    """The interface that leads from overlay networks out of the machine."""
    return f"mcpg-{mark()}"


def make_bridge() -> None:
    """Make the containers' bridge with an address: dockerd wants one with a name of ours to exist."""
    name = bridge_name()
    if not _exists(name):
        subprocess.run(["ip", "link", "add", "name", name, "type", "bridge"], check=True)
        taken = commands.output(["ip", "-4", "route"]) or ""
        third = next(number for number in range(17, 255) if f"10.213.{number}." not in taken)
        subprocess.run(["ip", "address", "add", f"10.213.{third}.1/24", "dev", name], check=True)
    subprocess.run(["ip", "link", "set", name, "up"], check=True)


def remove_bridges() -> None:
    """Remove our bridges and the packet filter's rules for them, which dockerd leaves when it stops."""
    ours = {bridge_name(), gateway_bridge_name()}
    for table in ("filter", "nat"):
        listing = commands.output(["iptables", "--wait", "--table", table, "--list-rules"]) or ""
        for rule in map(shlex.split, listing.splitlines()):
            if rule[0] == "-A" and ours.intersection(rule):
                subprocess.run(["iptables", "--wait", "--table", table, "--delete", *rule[1:]], check=True)
    for name in ours:
        if _exists(name):
            subprocess.run(["ip", "link", "delete", name], check=True)


def uplink_mtu() -> int:
    """The largest packet, in bytes, of the interface that leads out of the machine; 1500 if none does.

    Containers with larger ones lose whatever a tunnel or a cloud network doesn't pass on.
    """
    for route in Path("/proc/net/route").read_text().splitlines()[1:]:
        interface, destination, *_ = route.split()
        if destination == "00000000":
            return int(Path("/sys/class/net", interface, "mtu").read_text())
    return 1500


def free_loopback(ports: Sequence[int]) -> str:
    """The first address of the loopback, from 127.0.0.1, where nothing has any of these TCP ports.

    Raises:
        EngineError: There is none among the first hundred.
    """
    for last in range(1, 101):
        address = f"127.0.0.{last}"
        if all(_is_free(address, port, socket.SOCK_STREAM) for port in ports):
            return address
    raise EngineError(f"ports {ports} are taken on 127.0.0.1 to 127.0.0.100\n  `ss -lntp` shows who has them")


def free_port(first: int) -> int:
    """The first UDP port from `first` on that nothing on this machine has: Swarm takes none that the kernel chooses.

    Raises:
        EngineError: The next hundred ports are all taken.
    """
    for port in range(first, first + 100):
        if _is_free("0.0.0.0", port, socket.SOCK_DGRAM):  # noqa: S104 - only tried: VXLAN needs it on every address
            return port
    raise EngineError(f"no free port from {first} to {first + 99} for the Swarm\n  `ss -lnup` shows who has them")


def _exists(interface: str) -> bool:
    return Path("/sys/class/net", interface).exists()


def _is_free(address: str, port: int, kind: socket.SocketKind) -> bool:
    with socket.socket(socket.AF_INET, kind) as probe:
        try:
            probe.bind((address, port))
        except OSError:
            return False
        return True
