"""Checks of a stack in clouds: of its machines, and of what they mean for its other keys. Pure."""

import ipaddress
from collections.abc import Callable, Iterator
from contextlib import suppress
from functools import partial

import pulumi

from components.hosts.aws.hosts import LABEL_CHARACTERS
from components.hosts.aws.machines import architecture
from components.hosts.aws.machines import has_gpu as aws_has_gpu
from components.hosts.aws.network import subnet_blocks
from components.hosts.aws.security_groups import DATA_PATH_PORT, SSH_PORT, SWARM_PORTS, check_source, swarm_ports
from components.hosts.lambda_labs import LABEL_CHARACTERS as LAMBDA_LABS_LABEL_CHARACTERS
from components.hosts.lambda_labs import has_gpu
from components.providers.lambda_labs.places import OPEN_REGION

from .config import PROJECT, StackConfig
from .hosts_config import AWS_PLACE, GPU_PLACE, LAMBDA_LABS_PLACE, AwsConfig, CloudHosts, LambdaLabsConfig, TunnelConfig
from .problems import KeyPath, Problem, nearest

AWS: KeyPath = ("hosts", "aws")
LAMBDA_LABS: KeyPath = ("hosts", "lambda_labs")
TUNNEL: KeyPath = ("hosts", "tunnel")
LAMBDA_GROUP = "lambda"
"""The machines of Lambda Labs are lambda-1, lambda-2, …."""
RESERVED = {
    AWS_PLACE: "the whole cloud's",
    GPU_PLACE: "that of all machines with GPUs",
    LAMBDA_GROUP: "that of the machines of Lambda Labs",
}
LARGEST_TUNNEL_PREFIX = 16
"""Two machines of ten get the same address by chance in one of 1,500 networks of /16."""
ZONES_OF_MANAGERS = 3
SMALLEST_OVERLAY = 23
HOST_PORTS = frozenset({SSH_PORT, *(number for _, number, _ in SWARM_PORTS)})
SWARM_UDP_PORTS = frozenset(port.number for port in swarm_ports(DATA_PATH_PORT) if port.protocol == "udp")
LOCAL_KEYS = {"registry_port": "registry-port", "grafana_port": "grafana-port"}
"""What only means something where the stack runs on this machine."""


def label(stack: str) -> str:
    """Return what the names of a stack's objects in a cloud begin with."""
    return f"{PROJECT}-{stack}"


def host_inconsistencies(stack: str, hosts: CloudHosts, config: StackConfig) -> Iterator[Problem]:
    """Yield each contradiction within `hosts`, and between them and the rest of `config`."""
    most, cloud = (
        (LAMBDA_LABS_LABEL_CHARACTERS, "at Lambda Labs") if hosts.lambda_labs else (LABEL_CHARACTERS, "on AWS")
    )
    if len(label(stack)) > most:
        room = most - len(label(""))
        yield Problem(
            message=f"the stack's name has {len(stack)} characters, and {room} fit into names {cloud}; rename it"
        )
    for field, key in LOCAL_KEYS.items():
        if field in config.model_fields_set:
            yield Problem(path=(key,), message="there is no such port on hosts in a cloud; remove it")
    if config.port in HOST_PORTS:
        yield Problem(path=("port",), message=f"hosts use {config.port} themselves; choose another one")
    yield from _machines(hosts.aws)
    yield from _networks(hosts.aws)
    if hosts.lambda_labs:
        yield from _lambda_labs(hosts.lambda_labs)
    if hosts.tunnelled:
        yield from _tunnel(hosts.tunnelled, hosts.aws)
    yield from _places(hosts, config)


def _machines(aws: AwsConfig) -> Iterator[Problem]:
    managing = [group for group in aws.groups.values() if group.role == "manager"]
    managers = sum(group.count for group in managing)
    if managers not in (1, 3, 5) or len(managing) > 1:
        yield Problem(
            path=(*AWS, "groups"), message=f"there are {managers} managers; give 1, 3 or 5, all of them in one group"
        )
    if managers > 1 and len(aws.zones) < ZONES_OF_MANAGERS:
        yield Problem(
            path=(*AWS, "zones"),
            message=f"{managers} managers need {ZONES_OF_MANAGERS} zones, so that one may fail; list more",
        )
    for zone in aws.zones:
        if not zone.startswith(aws.region):
            yield Problem(
                path=(*AWS, "zones"), message=f"{zone!r} is not in {aws.region}; write for example {aws.region}a"
            )
    for name, group in aws.groups.items():
        path = (*AWS, "groups", name)
        if name in RESERVED:
            yield Problem(path=path, message=f"this name is {RESERVED[name]}; choose another one")
        try:
            wanted = architecture(group.type)
        except pulumi.RunError as error:
            yield Problem(path=(*path, "type"), message=_without_prefix(error))
            continue
        if wanted not in aws.images:
            yield Problem(
                path=(*AWS, "images"),
                message=f"{group.type} of group {name!r} needs an image for {wanted}; add {wanted}: ami-…",
            )


def _networks(aws: AwsConfig) -> Iterator[Problem]:
    for source in aws.ssh_from:
        yield from _refused((*AWS, "ssh-from"), partial(check_source, "ssh", SSH_PORT, source))
    machines = list(_refused((*AWS, "network"), partial(subnet_blocks, aws.network, aws.zones)))
    yield from machines
    path = (*AWS, "overlay-network")
    try:
        overlay = ipaddress.IPv4Network(aws.overlay_network)
    except ValueError as error:
        yield Problem(path=path, message=f"{error}; give one such as 10.200.0.0/16")
        return
    if not overlay.is_private or overlay.prefixlen > SMALLEST_OVERLAY:
        yield Problem(path=path, message=f"{overlay} is not a private network of /{SMALLEST_OVERLAY} or larger")
    elif not machines and overlay.overlaps(ipaddress.IPv4Network(aws.network)):
        yield Problem(path=path, message=f"{overlay} overlaps the machines' {aws.network}; choose another one")


def _lambda_labs(machines: LambdaLabsConfig) -> Iterator[Problem]:
    if OPEN_REGION in machines.regions:
        yield Problem(
            path=(*LAMBDA_LABS, "regions"), message=f"Lambda's firewall does not work in {OPEN_REGION}; remove it"
        )
    if len({has_gpu(type_) for type_ in machines.types}) > 1:
        yield Problem(
            path=(*LAMBDA_LABS, "types"), message="some have GPUs and some have not; list those with or those without"
        )


def _tunnel(tunnel: TunnelConfig, aws: AwsConfig) -> Iterator[Problem]:
    if tunnel.port in SWARM_UDP_PORTS:
        yield Problem(path=(*TUNNEL, "port"), message=f"Swarm uses {tunnel.port} itself; choose another one")
    path = (*TUNNEL, "network")
    try:
        network = ipaddress.IPv4Network(tunnel.network)
    except ValueError as error:
        yield Problem(path=path, message=f"{error}; give one such as 100.64.0.0/10")
        return
    if network.is_global or network.prefixlen > LARGEST_TUNNEL_PREFIX:
        yield Problem(path=path, message=f"{network} is not a private network of /{LARGEST_TUNNEL_PREFIX} or larger")
    for whose, other in (("the machines'", aws.network), ("the containers'", aws.overlay_network)):
        with suppress(ValueError):  # one that is no network has been told
            if network.overlaps(ipaddress.IPv4Network(other)):
                yield Problem(path=path, message=f"{network} overlaps {whose} {other}; choose another one")


def _places(hosts: CloudHosts, config: StackConfig) -> Iterator[Problem]:
    places = {AWS_PLACE, *hosts.aws.groups}
    types = [group.type for group in hosts.aws.groups.values()]
    gpus = any(aws_has_gpu(type_) for type_ in types)
    if hosts.lambda_labs:
        places.add(LAMBDA_LABS_PLACE)
        gpus |= all(has_gpu(type_) for type_ in hosts.lambda_labs.types)
    if gpus:
        places.add(GPU_PLACE)
    for name, server in config.servers.items():
        path = ("servers", name, "place")
        if server.place == GPU_PLACE and not gpus:
            yield Problem(path=path, message="no machine of this stack has a GPU; remove it, or add one that has")
        elif server.place is not None and server.place not in places:
            yield Problem(path=path, message=f"no place {server.place!r}{nearest(server.place, places)}")
        elif server.place is not None and server.volume:
            yield Problem(
                path=path, message="a server with a volume runs on the machine that has the volume; remove one key"
            )


def _refused(path: KeyPath, check: Callable[[], object]) -> Iterator[Problem]:
    """Yield what a component would say of its arguments."""
    try:
        check()
    except pulumi.RunError as error:
        yield Problem(path=path, message=_without_prefix(error))


def _without_prefix(error: pulumi.RunError) -> str:
    return str(error).removeprefix("AWS: ")
