"""Lets the ends of a tunnel that are elsewhere reach a fleet's hosts on AWS."""

from collections.abc import Mapping
from dataclasses import dataclass

import pulumi
from pulumi_aws import vpc

from .security_groups import wireguard


@dataclass(frozen=True, kw_only=True)
class AwsTunnelOpeningsArgs:
    """Arguments of AwsTunnelOpenings.

    Arguments:
        security_group: id of the hosts' group.
        port: UDP port of the tunnel.
        hosts: public IPv4 address of each host elsewhere, by its name.
    """

    security_group: pulumi.Input[str]
    port: int
    hosts: Mapping[str, pulumi.Input[str]]


@dataclass(frozen=True, kw_only=True)
class AwsTunnelOpeningsOutputs:
    """`rules`: id of each host's rule."""

    rules: Mapping[str, pulumi.Output[str]]


class AwsTunnelOpenings(pulumi.ComponentResource):
    """A rule for each host. No part of AwsHosts: hosts elsewhere need the addresses of those first."""

    def __init__(self, name: str, args: AwsTunnelOpeningsArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("mcp-fleet:hosts:AwsTunnelOpenings", name, {}, opts)
        port = wireguard(args.port)
        rules = {
            host: vpc.SecurityGroupIngressRule(
                f"{name}-{host}",
                vpc.SecurityGroupIngressRuleArgs(
                    security_group_id=args.security_group,
                    cidr_ipv4=pulumi.Output.concat(address, "/32"),
                    ip_protocol=port.protocol,
                    from_port=port.number,
                    to_port=port.number,
                    description=f"{port.why} from {host}",
                ),
                opts=pulumi.ResourceOptions(parent=self),
            ).id
            for host, address in args.hosts.items()
        }
        self.outputs = AwsTunnelOpeningsOutputs(rules=rules)
        self.register_outputs(vars(self.outputs))
