"""A network in AWS with a subnet in each zone."""

import ipaddress
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import pulumi
from pulumi_aws import ec2

SUBNET_PREFIX = 24
SMALLEST_NETWORK = 21
"""Prefix of a network that has room for eight subnets: no region has more zones."""


@dataclass(frozen=True, kw_only=True)
class AwsNetworkArgs:
    """Arguments of AwsNetwork.

    Arguments:
        label: what names in the account begin with, such as the stack's.
        zones: availability zones of one region. One that is appended moves none of the others' subnets.
        block: the addresses, as a private IPv4 network of /21 or larger; no other network of the fleet may overlap it.
    """

    label: str
    zones: Sequence[str]
    block: str = "10.80.0.0/16"
    tags: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class AwsNetworkOutputs:
    """`vpc` is its id; `subnets` has the id of each zone's subnet."""

    vpc: pulumi.Output[str]
    subnets: Mapping[str, pulumi.Output[str]]


class AwsNetwork(pulumi.ComponentResource):
    """A VPC whose subnets reach the internet; what reaches in is for security groups to say."""

    def __init__(self, name: str, args: AwsNetworkArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("mcp-fleet:hosts:AwsNetwork", name, {}, opts)
        under_self = pulumi.ResourceOptions(parent=self)
        tags = {**args.tags, "Name": args.label}
        vpc = ec2.Vpc(
            name,
            ec2.VpcArgs(cidr_block=args.block, enable_dns_hostnames=True, enable_dns_support=True, tags=tags),
            opts=under_self,
        )
        # Without rules: a machine that is given no security group gets this one.
        ec2.DefaultSecurityGroup(name, ec2.DefaultSecurityGroupArgs(vpc_id=vpc.id, tags=tags), opts=under_self)
        gateway = ec2.InternetGateway(name, ec2.InternetGatewayArgs(vpc_id=vpc.id, tags=tags), opts=under_self)
        routes = ec2.RouteTable(
            name,
            ec2.RouteTableArgs(
                vpc_id=vpc.id,
                routes=[ec2.RouteTableRouteArgs(cidr_block="0.0.0.0/0", gateway_id=gateway.id)],
                tags=tags,
            ),
            opts=under_self,
        )
        subnets: dict[str, pulumi.Output[str]] = {}
        for zone, block in subnet_blocks(args.block, args.zones).items():
            subnet = ec2.Subnet(
                f"{name}-{zone}",
                ec2.SubnetArgs(
                    vpc_id=vpc.id,
                    availability_zone=zone,
                    cidr_block=block,
                    map_public_ip_on_launch=False,
                    tags={**args.tags, "Name": f"{args.label}-{zone}"},
                ),
                opts=under_self,
            )
            association = ec2.RouteTableAssociation(
                f"{name}-{zone}",
                ec2.RouteTableAssociationArgs(subnet_id=subnet.id, route_table_id=routes.id),
                opts=under_self,
            )
            # What is launched into a subnet needs its way out at once: cloud-init installs packages.
            subnets[zone] = pulumi.Output.all(subnet.id, association.id).apply(lambda ids: str(ids[0]))
        self.outputs = AwsNetworkOutputs(vpc=vpc.id, subnets=subnets)
        self.register_outputs(vars(self.outputs))


def subnet_blocks(block: str, zones: Sequence[str]) -> dict[str, str]:
    """Return the addresses of each zone's subnet.

    Raises:
        pulumi.RunError: `block` is no private network with room for them, or a zone is listed twice.
    """
    try:
        network = ipaddress.IPv4Network(block)
    except ValueError as error:
        raise pulumi.RunError(f"AWS: network {block!r}: {error}; give one such as 10.80.0.0/16") from error
    if not network.is_private or network.prefixlen > SMALLEST_NETWORK:
        raise pulumi.RunError(f"AWS: network {block} is not a private one of /{SMALLEST_NETWORK} or larger")
    if len(set(zones)) != len(zones):
        raise pulumi.RunError(f"AWS: zones {', '.join(zones)}: one is listed twice")
    return dict(zip(zones, map(str, network.subnets(new_prefix=SUBNET_PREFIX)), strict=False))
