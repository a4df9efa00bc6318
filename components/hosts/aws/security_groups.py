"""Who reaches which port of a fleet on AWS."""

import ipaddress
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import pulumi
from pulumi_aws import ec2, vpc

ANYWHERE = "0.0.0.0/0"
WIDEST_SOURCE = 8
"""Prefix of the largest network that hosts are opened to: that of a company with a class A network of its own."""
HTTPS_PORT = 443
SSH_PORT = 22
DATA_PATH_PORT = 4789
"""UDP port of the overlay networks where nobody chooses another one."""
SWARM_PORTS = (("tcp", 2377, "management"), ("tcp", 7946, "gossip"), ("udp", 7946, "gossip"))
"""Source: https://docs.docker.com/engine/swarm/swarm-tutorial/#open-protocols-and-ports-between-the-hosts"""


@dataclass(frozen=True, kw_only=True)
class Port:
    """A port and why it is open."""

    protocol: str
    number: int
    why: str


@dataclass(frozen=True, kw_only=True)
class Opening:
    """A port of the hosts that is open to `source`, a network in CIDR form."""

    port: Port
    source: pulumi.Input[str]


@dataclass(frozen=True, kw_only=True)
class AwsSecurityGroupsArgs:
    """Arguments of AwsSecurityGroups.

    Arguments:
        label: what names in the account begin with.
        vpc: id of the network.
        gateway_port: where the gateway listens on its hosts; only the load balancer reaches it.
        between_hosts: what the hosts open to each other: see swarm_ports and wireguard.
        openings: what else reaches the hosts, by a name; nothing that is open to anywhere.
    """

    label: str
    vpc: pulumi.Input[str]
    gateway_port: int
    between_hosts: Sequence[Port]
    openings: Mapping[str, Opening] = field(default_factory=dict)
    tags: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class AwsSecurityGroupsOutputs:
    """Ids: of the hosts' group, and of the load balancer's."""

    hosts: pulumi.Output[str]
    load_balancer: pulumi.Output[str]


class AwsSecurityGroups(pulumi.ComponentResource):
    """Two groups: the world reaches the load balancer's 443, the load balancer the gateway, and hosts each other."""

    def __init__(self, name: str, args: AwsSecurityGroupsArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("mcp-fleet:hosts:AwsSecurityGroups", name, {}, opts)
        check(args)
        self._args = args
        self._name = name
        hosts = self._group("hosts", "hosts of the fleet")
        load_balancer = self._group("load-balancer", "the way in")
        https = Port(protocol="tcp", number=HTTPS_PORT, why="clients")
        self._ingress("load-balancer-https", load_balancer, https, source=ANYWHERE)
        gateway = Port(protocol="tcp", number=args.gateway_port, why="gateway")
        self._ingress("hosts-gateway", hosts, gateway, group=load_balancer)
        vpc.SecurityGroupEgressRule(
            f"{name}-load-balancer-gateway",
            vpc.SecurityGroupEgressRuleArgs(
                security_group_id=load_balancer,
                referenced_security_group_id=hosts,
                ip_protocol="tcp",
                from_port=args.gateway_port,
                to_port=args.gateway_port,
                description="gateway",
            ),
            opts=pulumi.ResourceOptions(parent=self),
        )
        way_out = vpc.SecurityGroupEgressRule(
            f"{name}-hosts-anywhere",
            vpc.SecurityGroupEgressRuleArgs(
                security_group_id=hosts, cidr_ipv4=ANYWHERE, ip_protocol="-1", description="packages, images, APIs"
            ),
            opts=pulumi.ResourceOptions(parent=self),
        )
        for port in args.between_hosts:
            self._ingress(f"hosts-{port.protocol}-{port.number}", hosts, port, group=hosts)
        for what, opening in args.openings.items():
            self._ingress(f"hosts-{what}", hosts, opening.port, source=opening.source)
        # A machine needs its way out as soon as it starts: cloud-init installs packages.
        ready = pulumi.Output.all(hosts, way_out.id).apply(lambda ids: str(ids[0]))
        self.outputs = AwsSecurityGroupsOutputs(hosts=ready, load_balancer=load_balancer)
        self.register_outputs(vars(self.outputs))

    def _group(self, role: str, description: str) -> pulumi.Output[str]:
        return ec2.SecurityGroup(
            f"{self._name}-{role}",
            ec2.SecurityGroupArgs(
                name=f"{self._args.label}-{role}",
                description=description,
                vpc_id=self._args.vpc,
                tags={**self._args.tags, "Name": f"{self._args.label}-{role}"},
            ),
            opts=pulumi.ResourceOptions(parent=self),
        ).id

    def _ingress(
        self,
        name: str,
        to: pulumi.Input[str],
        port: Port,
        *,
        group: pulumi.Input[str] | None = None,
        source: pulumi.Input[str] | None = None,
    ) -> None:
        vpc.SecurityGroupIngressRule(
            f"{self._name}-{name}",
            vpc.SecurityGroupIngressRuleArgs(
                security_group_id=to,
                referenced_security_group_id=group,
                cidr_ipv4=source,
                ip_protocol=port.protocol,
                from_port=port.number,
                to_port=port.number,
                description=port.why,
            ),
            opts=pulumi.ResourceOptions(parent=self),
        )


def ssh(source: str) -> Opening:
    """Return what lets administrators in from `source`."""
    return Opening(port=Port(protocol="tcp", number=SSH_PORT, why="administration"), source=source)


def wireguard(port: int) -> Port:
    """Return the port of a tunnel."""
    return Port(protocol="udp", number=port, why="WireGuard")


def swarm_ports(data_path_port: int) -> list[Port]:
    """Return what Swarm's hosts open to each other; `data_path_port` is the overlay networks'."""
    swarm = [Port(protocol=protocol, number=number, why=f"Swarm {why}") for protocol, number, why in SWARM_PORTS]
    return [*swarm, Port(protocol="udp", number=data_path_port, why="overlay networks")]


def check(args: AwsSecurityGroupsArgs) -> None:
    """Refuse what would open more than was meant.

    Raises:
        pulumi.RunError: Says what, and what to give instead.
    """
    for what, opening in args.openings.items():
        if isinstance(opening.source, str):
            check_source(what, opening.port.number, opening.source)


def check_source(what: str, port: int, source: str) -> None:
    """Refuse what is no network, or is most of the internet.

    Raises:
        pulumi.RunError: Says which.
    """
    try:
        network = ipaddress.IPv4Network(source)
    except ValueError as error:
        raise pulumi.RunError(f"AWS: {what}: {error}; give a network such as 203.0.113.0/24") from error
    if network.prefixlen < WIDEST_SOURCE:
        raise pulumi.RunError(
            f"AWS: {what}: port {port} of the hosts would be open to {source}, which is as good as anywhere; list the "
            f"networks that need it, of /{WIDEST_SOURCE} or smaller"
        )
