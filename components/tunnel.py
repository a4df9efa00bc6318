"""One WireGuard network over hosts that have none in common, such as those of two clouds."""

import hashlib
import ipaddress
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import pulumi
import pulumi_random as random

from .hosts.machine_keys import TunnelKeys, tunnel_keys
from .providers.tunnel_end import TunnelEnd, TunnelEndArgs

MTU: Final = 1420
"""Largest packet inside the tunnel, in bytes: what fits through the internet's 1500 with WireGuard's own 80."""
KEEPALIVE_SECONDS: Final = 25
"""Source: https://www.wireguard.com/quickstart/#nat-and-firewall-traversal-persistence"""
SEED_CHARACTERS: Final = 48


@dataclass(frozen=True, kw_only=True)
class TunnelHost:
    """A machine with `fleet-tunnel` and an sshd.

    Attributes:
        name: what the stack calls it; the machine that takes its place has the same name.
        machine: what tells it from its successor, such as its cloud's id for it.
        address: public one: of its sshd, and of its end for hosts of other networks.
        host_key: the public SSH host key that was planted: `ssh-ed25519 AAAA…`.
        site, inside_address: hosts of the same site reach each other by their inside addresses; "" for none.
        port: of its sshd.
        user: who may call `fleet-tunnel` by sudo.
    """

    name: str
    machine: pulumi.Input[str]
    address: pulumi.Input[str]
    host_key: pulumi.Input[str]
    site: str = ""
    inside_address: pulumi.Input[str] = ""
    port: pulumi.Input[int] = 22
    user: pulumi.Input[str] = "root"


@dataclass(frozen=True, kw_only=True)
class TunnelArgs:
    """Arguments of Tunnel.

    Attributes:
        hosts: all its hosts.
        private_key: secret; an OpenSSH key that lets in at every host.
        network: IPv4 network that is nobody else's, large enough that no two machines get the same address by chance.
        port: UDP port on each host.
        keys: another number gives every host a new key.
        ready_seconds: how long a host may take to have WireGuard.
    """

    hosts: Sequence[TunnelHost]
    private_key: pulumi.Input[str]
    network: str = "100.64.0.0/10"
    port: int = 51820
    keys: int = 1
    ready_seconds: int = 300


@dataclass(frozen=True, kw_only=True)
class TunnelOutputs:
    """`addresses`: each host's own in the tunnel by its name, once it has it."""

    addresses: Mapping[str, pulumi.Output[str]]


class Tunnel(pulumi.ComponentResource):
    """Every host reaches every other at an address that is its machine's for life.

    A host that comes or goes changes the peers of the others. What speaks through the tunnel depends on this component.
    """

    def __init__(self, name: str, args: TunnelArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("mcp-fleet:components:Tunnel", name, {}, opts)
        self._name, self._args = name, args
        keys = {host.name: self._keys(host) for host in args.hosts}
        public = {host: pulumi.Output.unsecret(own.apply(lambda found: found.public)) for host, own in keys.items()}
        ends = {
            host.name: TunnelEnd(
                f"{name}-{host.name}",
                TunnelEndArgs(
                    name=host.name,
                    machine=host.machine,
                    host=_sshd(host),
                    private_key=args.private_key,
                    tunnel_key=keys[host.name].apply(lambda found: found.private),
                    public_key=public[host.name],
                    network=args.network,
                    address=self._address(host),
                    port=args.port,
                    mtu=MTU,
                    peers=[self._peer(host, other, public[other.name]) for other in args.hosts if other is not host],
                    ready_seconds=args.ready_seconds,
                ),
                opts=pulumi.ResourceOptions(parent=self),
            )
            for host in args.hosts
        }
        self.outputs = TunnelOutputs(addresses={host: end.address for host, end in ends.items()})
        self.register_outputs(vars(self.outputs))

    def _keys(self, host: TunnelHost) -> pulumi.Output[TunnelKeys]:
        seed = random.RandomPassword(
            f"{self._name}-{host.name}",
            random.RandomPasswordArgs(
                length=SEED_CHARACTERS,
                special=False,
                keepers={"machine": host.machine, "keys": str(self._args.keys)},
            ),
            opts=pulumi.ResourceOptions(parent=self),
        )
        return seed.result.apply(tunnel_keys)

    def _address(self, host: TunnelHost) -> pulumi.Output[str]:
        return pulumi.Output.from_input(host.machine).apply(
            lambda machine: tunnel_address(self._args.network, str(machine))
        )

    def _peer(
        self, host: TunnelHost, other: TunnelHost, public_key: pulumi.Output[str]
    ) -> Mapping[str, pulumi.Input[Any]]:
        """Return `other` as `host` sees it."""
        neighbours = host.site != "" and host.site == other.site
        return {
            "name": other.name,
            "host": _sshd(other),
            "public_key": public_key,
            "address": self._address(other),
            "endpoint": other.inside_address if neighbours else other.address,
            "port": self._args.port,
            "keepalive_seconds": 0 if neighbours else KEEPALIVE_SECONDS,
        }


def tunnel_address(network: str, machine: str) -> str:
    """Return the address that a machine has in the network for all its life, and its successor has not.

    That it follows from the machine's id alone means that no machine that comes or goes can change another's. Two
    machines of ten have the same one in one of 90,000 networks of /10, which is noticed.
    """
    found = ipaddress.IPv4Network(network)
    number = int.from_bytes(hashlib.sha256(machine.encode()).digest())
    return str(found[1 + number % (found.num_addresses - 2)])


def _sshd(host: TunnelHost) -> Mapping[str, pulumi.Input[Any]]:
    return {"address": host.address, "port": host.port, "user": host.user, "host_key": host.host_key}
