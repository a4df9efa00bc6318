"""What a stack's machines cost in a month, by host group and by server. Pure: a configuration and a price table.

Counted is what is there whether or not it is used: machines, disks, addresses, the load balancer and the key. Traffic,
requests, backups, images and taxes are not.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from components.hosts.lambda_labs import has_gpu
from fleet.prices import Prices
from stacks.config import MEBIBYTE, ServerConfig, StackConfig
from stacks.hosts_config import AWS_PLACE, GPU_PLACE, LAMBDA_LABS_PLACE, AwsConfig, AwsGroup, LambdaLabsConfig

HOURS = 730
"""Hours of a month, as AWS counts them: https://aws.amazon.com/calculator/calculator-assumptions/."""


@dataclass(frozen=True, kw_only=True)
class Cost:
    """What something costs in a month.

    Attributes:
        what: it in words, such as `3 x t3.large`.
        dollars: as far as it is known.
        unknown: what of it has no price in the table.
    """

    what: str
    dollars: float
    unknown: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Costs:
    """What a stack costs in a month, in US dollars.

    Attributes:
        groups: of machines, by name, with their disks and addresses.
        shared: what all servers have in common.
        servers: each server's share of the machines that it may run on, by its limits.
    """

    groups: Mapping[str, Cost]
    shared: Mapping[str, Cost]
    servers: Mapping[str, Cost]

    @property
    def total(self) -> Cost:
        """All of it."""
        parts = [*self.groups.values(), *self.shared.values()]
        unknown = tuple(dict.fromkeys(name for part in parts for name in part.unknown))
        return Cost(what="", dollars=sum(part.dollars for part in parts), unknown=unknown)

    def to_json(self) -> dict[str, Any]:
        """As `fleet cost --json` prints it."""
        return {
            "total": _json(self.total),
            "groups": {name: _json(cost) for name, cost in self.groups.items()},
            "shared": {name: _json(cost) for name, cost in self.shared.items()},
            "servers": {name: _json(cost) for name, cost in self.servers.items()},
        }


NOTHING = Costs(groups={}, shared={}, servers={})
"""What a stack costs that does not exist, or runs on a machine that is there anyhow."""


@dataclass(frozen=True, kw_only=True)
class _Machines:
    """A group of machines: how many, what all of them cost, and for which places they are."""

    count: int
    cost: Cost
    places: frozenset[str]
    manage: bool


def monthly(config: StackConfig, prices: Prices) -> Costs:
    """Return what a stack costs. On this machine that is nothing."""
    if config.hosts == "local":
        return NOTHING
    aws, lambda_labs = config.hosts.aws, config.hosts.lambda_labs
    groups = {name: _group(name, group, aws.region, prices) for name, group in aws.groups.items()}
    if lambda_labs is not None:
        groups[LAMBDA_LABS_PLACE] = _lambda_labs(lambda_labs, prices)
    return Costs(
        groups={name: group.cost for name, group in groups.items()},
        shared=_shared(aws, prices),
        servers=dict(_servers(config.servers, groups)),
    )


def _group(name: str, group: AwsGroup, region: str, prices: Prices) -> _Machines:
    # Not at the top: the SDK of AWS takes longer to import than all the rest.
    from components.hosts.aws.machines import has_gpu as aws_has_gpu

    machine = prices.ec2.hourly.get(group.type, {}).get(region)
    disk = prices.ebs.gp3.get(region)
    monthly = [
        (f"{group.type} in {region}", None if machine is None else machine * HOURS),
        (f"gp3 in {region}", None if disk is None else disk * group.disk_gibibytes),
        ("address", prices.network.address * HOURS),
    ]
    return _Machines(
        count=group.count,
        cost=_sum(f"{group.count} x {group.type}", [(what, price, group.count) for what, price in monthly]),
        places=frozenset({AWS_PLACE, name, *([GPU_PLACE] if aws_has_gpu(group.type) else [])}),
        manage=group.role == "manager",
    )


def _lambda_labs(machines: LambdaLabsConfig, prices: Prices) -> _Machines:
    """The dearest of the types that they may be, where all of them have prices: which it is, the launch decides."""
    hourly = [(type_, prices.lambda_labs.hourly.get(type_)) for type_ in machines.types]
    unknown = [(type_, None, machines.count) for type_, price in hourly if price is None]
    dearest = max(((price, type_) for type_, price in hourly if price is not None), default=None)
    known = [(dearest[1], dearest[0] * HOURS, machines.count)] if dearest and not unknown else []
    return _Machines(
        count=machines.count,
        cost=_sum(f"{machines.count} x {' or '.join(machines.types)}", [*known, *unknown]),
        places=frozenset({LAMBDA_LABS_PLACE, *([GPU_PLACE] if all(map(has_gpu, machines.types)) else [])}),
        manage=False,
    )


def _shared(aws: AwsConfig, prices: Prices) -> Mapping[str, Cost]:
    balancer = prices.network.load_balancer.get(aws.region)
    return {
        "load balancer": _sum(
            f"{len(aws.zones)} x address",
            [
                (f"load balancer in {aws.region}", None if balancer is None else balancer * HOURS, 1),
                ("address", prices.network.address * HOURS, len(aws.zones)),
            ],
        ),
        "key": Cost(what="of disks, images and backups", dollars=prices.keys.key),
    }


def _sum(what: str, parts: Sequence[tuple[str, float | None, int]]) -> Cost:
    return Cost(
        what=what,
        dollars=sum(price * count for _, price, count in parts if price is not None),
        unknown=tuple(name for name, price, _ in parts if price is None),
    )


def _servers(servers: Mapping[str, ServerConfig], groups: Mapping[str, _Machines]) -> Iterator[tuple[str, Cost]]:
    """Divide each group's cost by the limits of the servers that may run there, CPU and memory counting half each.

    What may run in several groups is spread over them by their machines.
    """
    loads = {name: _loads(server, groups) for name, server in servers.items()}
    cpu = {group: sum(load.get(group, (0, 0))[0] for load in loads.values()) for group in groups}
    memory = {group: sum(load.get(group, (0, 0))[1] for load in loads.values()) for group in groups}
    for name, load in loads.items():
        dollars = sum(
            groups[group].cost.dollars * (cpus / cpu[group] + bytes_ / memory[group]) / 2
            for group, (cpus, bytes_) in load.items()
        )
        unknown = tuple(dict.fromkeys(what for group in load for what in groups[group].cost.unknown))
        yield name, Cost(what=_limits(servers[name]), dollars=dollars, unknown=unknown)


def _loads(server: ServerConfig, groups: Mapping[str, _Machines]) -> Mapping[str, tuple[float, float]]:
    """CPUs and bytes of a server's limits on each group of machines."""
    places = {name: group.count for name, group in groups.items() if _may_run(server, group)}
    machines = sum(places.values())
    return {
        name: (server.replicas * server.cpu * count / machines, server.replicas * server.memory * count / machines)
        for name, count in places.items()
    }


def _limits(server: ServerConfig) -> str:
    return f"{server.replicas} x {server.cpu:g} CPU, {server.memory / MEBIBYTE:g}M"


def _may_run(server: ServerConfig, group: _Machines) -> bool:
    if server.volume:
        return group.manage  # one of them has the volumes
    return server.place is None or server.place in group.places


def _json(cost: Cost) -> dict[str, Any]:
    return {"dollars": round(cost.dollars, 2), "unknown": list(cost.unknown)}
