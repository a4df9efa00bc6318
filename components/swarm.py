"""A Docker Swarm of given hosts."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

import pulumi

from .providers.swarm_node import SwarmNode, SwarmNodeArgs


@dataclass(frozen=True, kw_only=True)
class SwarmHost:
    """A machine with Docker and an sshd.

    Attributes:
        name: what the stack calls it; the machine that takes its place has the same name.
        machine: what tells it from its successor, such as its cloud's id for it.
        address: of its sshd, for the machine that runs Pulumi.
        host_key: the public SSH host key that was planted: `ssh-ed25519 AAAA…`.
        advertise_address: its address for the other hosts, such as its WireGuard address. It never changes.
        role: `manager` or `worker`.
        port: of its sshd.
        user: who may use its Docker without sudo.
        labels: of its node, for `node.labels.…` in constraints.
        availability: `active`, `pause` or `drain`.
    """

    name: str
    machine: pulumi.Input[str]
    address: pulumi.Input[str]
    host_key: pulumi.Input[str]
    advertise_address: pulumi.Input[str]
    role: Literal["manager", "worker"] = "worker"
    port: pulumi.Input[int] = 22
    user: pulumi.Input[str] = "root"
    labels: Mapping[str, pulumi.Input[str]] = field(default_factory=dict)
    availability: pulumi.Input[str] = "active"


@dataclass(frozen=True, kw_only=True)
class SwarmArgs:
    """Arguments of Swarm.

    Attributes:
        swarm: the Swarm's name, such as `mcp-fleet-staging`.
        hosts: all its hosts; 1, 3 or 5 of them managers. The first manager makes the Swarm.
        private_key: secret; an OpenSSH key that lets in at every host.
        address_pools: networks for the overlay networks, in CIDR form; Docker's own if empty.
        data_path_port: UDP port of the overlay networks' traffic.
        ready_seconds: how long a host's Docker may take to come up.
        drain_seconds: how long the services of a host that goes may take to run elsewhere.
    """

    swarm: str
    hosts: Sequence[SwarmHost]
    private_key: pulumi.Input[str]
    address_pools: Sequence[str] = ()
    data_path_port: int = 4789
    ready_seconds: int = 300
    drain_seconds: int = 300


@dataclass(frozen=True, kw_only=True)
class SwarmOutputs:
    """`cluster` is the Swarm's id; `nodes` has the id of each host's node by the host's name, once all have joined."""

    cluster: pulumi.Output[str]
    nodes: pulumi.Output[Mapping[str, str]]


class Swarm(pulumi.ComponentResource):
    """Hosts joined into one Swarm: the first manager makes it, then the managers join, then the workers.

    They leave the other way round. What needs the Swarm depends on this component.
    """

    def __init__(self, name: str, args: SwarmArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("mcp-fleet:components:Swarm", name, {}, opts)
        managers = [host for host in args.hosts if host.role == "manager"]
        workers = [host for host in args.hosts if host.role == "worker"]
        if len(managers) % 2 == 0:
            raise ValueError(
                f"swarm {args.swarm}: {len(managers)} managers bear no more losses than {max(len(managers) - 1, 0)}; "
                "give it 1, 3 or 5"
            )
        nodes: dict[str, SwarmNode] = {}
        for host in managers:
            before = [nodes[managers[0].name]] if nodes else []
            nodes[host.name] = self._node(host, args, managers, before)
        joined = list(nodes.values())
        for host in workers:
            nodes[host.name] = self._node(host, args, managers, joined)
        self.outputs = SwarmOutputs(
            cluster=nodes[managers[0].name].cluster,
            nodes=pulumi.Output.all(**{key: node.id for key, node in nodes.items()}),
        )
        self.register_outputs(vars(self.outputs))

    def _node(
        self, host: SwarmHost, args: SwarmArgs, managers: Sequence[SwarmHost], before: Sequence[SwarmNode]
    ) -> SwarmNode:
        return SwarmNode(
            host.name,
            SwarmNodeArgs(
                swarm=args.swarm,
                node=host.name,
                machine=host.machine,
                founder=host is managers[0],
                host=_sshd(host),
                private_key=args.private_key,
                advertise_address=host.advertise_address,
                role=host.role,
                availability=host.availability,
                labels=host.labels,
                managers=[_sshd(manager) for manager in managers],
                address_pools=list(args.address_pools),
                data_path_port=args.data_path_port,
                ready_seconds=args.ready_seconds,
                drain_seconds=args.drain_seconds,
            ),
            opts=pulumi.ResourceOptions(parent=self, depends_on=before),
        )


def _sshd(host: SwarmHost) -> dict[str, pulumi.Input[Any]]:
    return {"address": host.address, "port": host.port, "user": host.user, "host_key": host.host_key}
