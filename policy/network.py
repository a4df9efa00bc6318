"""The rule on what the world reaches: the gateway's HTTPS port, and nothing else."""

from collections.abc import Iterator
from dataclasses import dataclass
from ipaddress import ip_network
from typing import Any

from pulumi_policy import ResourceValidationArgs

from .resource_types import AWS_INGRESS_RULE, AWS_SECURITY_GROUP_RULE, AWS_SECURITY_GROUPS, LAMBDA_FIREWALL
from .rule import Properties, listed, rule

HTTPS = 443
TCP = ("tcp", "6")
"""TCP by name, and by its number in IP (https://www.iana.org/assignments/protocol-numbers)."""

WORLD_PREFIX = {4: 8, 6: 7}
"""A network with a shorter prefix is as good as the world: the largest private ones are 10.0.0.0/8 and fc00::/7."""


@dataclass(frozen=True, kw_only=True)
class Opening:
    """Who reaches which ports: `first` and `last` are None for all."""

    sources: tuple[str, ...]
    protocol: str
    first: Any
    last: Any


def _open_to_the_world(args: ResourceValidationArgs) -> Iterator[str]:
    for opening in _openings(args):
        https_only = opening.protocol in TCP and opening.first == opening.last == HTTPS
        for source in opening.sources:
            if is_world(source) and not https_only:
                ports = "all ports" if opening.first is None else f"ports {opening.first:g} to {opening.last:g}"
                yield f"opens {ports} ({opening.protocol}) to {source}: only TCP {HTTPS} may be; name the networks"


def _openings(args: ResourceValidationArgs) -> Iterator[Opening]:
    props = args.props
    if args.resource_type in AWS_SECURITY_GROUPS:
        yield from map(_of_group, listed(props, "ingress"))
    elif args.resource_type == AWS_SECURITY_GROUP_RULE and props["type"] == "ingress":
        yield _of_group(props)
    elif args.resource_type == AWS_INGRESS_RULE:
        sources = tuple(filter(None, (props.get("cidrIpv4"), props.get("cidrIpv6"))))
        yield _opening(sources, props["ipProtocol"], props.get("fromPort"), props.get("toPort"))
    elif args.resource_type == LAMBDA_FIREWALL:
        for entry in listed(props, "rules"):
            first, last = entry.get("port_range") or (None, None)
            yield _opening((entry["source_network"],), entry["protocol"], first, last)


def _of_group(entry: Properties) -> Opening:
    sources = (*listed(entry, "cidrBlocks"), *listed(entry, "ipv6CidrBlocks"))
    return _opening(sources, entry["protocol"], entry.get("fromPort"), entry.get("toPort"))


def _opening(sources: tuple[str, ...], protocol: str, first: Any, last: Any) -> Opening:  # noqa: ANN401
    return Opening(sources=sources, protocol=protocol.lower(), first=first, last=last)


def is_world(source: str) -> bool:
    """Whether a network, such as 0.0.0.0/0 or either half of it, is more than anyone's own."""
    network = ip_network(source, strict=False)
    return network.prefixlen < WORLD_PREFIX[network.version]


RULES = (rule("world-reaches-443-only", f"The world reaches TCP {HTTPS} and nothing else.", _open_to_the_world),)
