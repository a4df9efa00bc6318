"""Checks of a stack on AWS: of its machines, and of what they mean for its other keys. Pure."""

import ipaddress
from collections.abc import Callable, Iterator
from functools import partial

import pulumi

from components.hosts.aws.hosts import LABEL_CHARACTERS
from components.hosts.aws.machines import architecture
from components.hosts.aws.network import subnet_blocks
from components.hosts.aws.security_groups import SSH_PORT, SWARM_PORTS, check_source

from .config import PROJECT, StackConfig
from .hosts_config import AWS_PLACE, AwsConfig
from .problems import KeyPath, Problem, nearest

AWS: KeyPath = ("hosts", "aws")
ZONES_OF_MANAGERS = 3
SMALLEST_OVERLAY = 23
HOST_PORTS = frozenset({SSH_PORT, *(number for _, number, _ in SWARM_PORTS)})
LOCAL_KEYS = {"registry_port": "registry-port", "grafana_port": "grafana-port"}
"""What only means something where the stack runs on this machine."""


def label(stack: str) -> str:
    """Return what the names of a stack's objects in a cloud begin with."""
    return f"{PROJECT}-{stack}"


def host_inconsistencies(stack: str, aws: AwsConfig, config: StackConfig) -> Iterator[Problem]:
    """Yield each contradiction within `aws`, and between it and the rest of `config`."""
    if len(label(stack)) > LABEL_CHARACTERS:
        room = LABEL_CHARACTERS - len(label(""))
        yield Problem(
            message=f"the stack's name has {len(stack)} characters, and {room} fit into names on AWS; rename it"
        )
    for field, key in LOCAL_KEYS.items():
        if field in config.model_fields_set:
            yield Problem(path=(key,), message="there is no such port on hosts in a cloud; remove it")
    if config.port in HOST_PORTS:
        yield Problem(path=("port",), message=f"hosts use {config.port} themselves; choose another one")
    yield from _machines(aws)
    yield from _networks(aws)
    yield from _places(aws, config)


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
        if name == AWS_PLACE:
            yield Problem(path=path, message="this name is the whole cloud's; choose another one")
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


def _places(aws: AwsConfig, config: StackConfig) -> Iterator[Problem]:
    places = {AWS_PLACE, *aws.groups}
    for name, server in config.servers.items():
        path = ("servers", name, "place")
        if server.place is not None and server.place not in places:
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
