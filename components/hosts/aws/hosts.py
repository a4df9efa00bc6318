"""A fleet's place on AWS: network, machines, images, backups, the way in, and what it may cost."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import pulumi
from pulumi_aws import kms

from components.hosts.cloud_init import USER
from components.swarm import SwarmHost
from components.tunnel import TunnelHost

from .backups import AwsBackups, AwsBackupsArgs
from .budget import AwsBudget, AwsBudgetArgs
from .entrance import AwsEntrance, AwsEntranceArgs
from .machines import Architecture, AwsHost, AwsMachines, AwsMachinesArgs, MachineGroup, has_gpu
from .network import AwsNetwork, AwsNetworkArgs
from .repositories import AwsRepositories, AwsRepositoriesArgs
from .role import AwsHostRole, AwsHostRoleArgs
from .security_groups import (
    DATA_PATH_PORT,
    AwsSecurityGroups,
    AwsSecurityGroupsArgs,
    AwsSecurityGroupsOutputs,
    ssh,
    swarm_ports,
    wireguard,
)

LABEL = re.compile(r"[a-z]([a-z0-9-]*[a-z0-9])?")
LABEL_CHARACTERS = 28
"""Load balancers have names of at most 32."""
KEY_DELETION_DAYS = 30


@dataclass(frozen=True, kw_only=True)
class Domain:
    """Name of the fleet, such as mcp.example.com, and the id of the Route 53 zone that it is in."""

    name: str
    hosted_zone: pulumi.Input[str]


@dataclass(frozen=True, kw_only=True)
class Budget:
    """What the account may cost in a month, and who is told before it costs more."""

    dollars: int
    emails: Sequence[str]


@dataclass(frozen=True, kw_only=True)
class AwsHostsArgs:
    """Arguments of AwsHosts. The region is the provider's.

    Arguments:
        label: what names in the account begin with, such as `mcp-fleet-prod`; up to 28 of a-z, 0-9 and -.
        zones: availability zones; three or more for a Swarm that outlives one.
        groups, images, public_key: see AwsMachinesArgs.
        block: addresses of the network: see AwsNetworkArgs.
        ssh_from: networks in CIDR form from which Pulumi and administrators reach the hosts' sshd.
        session_manager: whether administrators get in by SSM instead, or as well; the images need its agent.
        tunnel_port: UDP port of a Tunnel, which is all that the hosts open to each other; None where they reach each
            other by their addresses in the network. Ends elsewhere are let in by AwsTunnelOpenings.
        data_path_port: UDP port of the overlay networks.
        gateway_port: where the gateways listen, on every host.
        domain: how clients call the fleet; None for none, and no way in.
        repositories: names of images.
        bucket: name of the bucket for backups.
        budget: None for no alarm.
        protected: whether Pulumi refuses to delete key, images and backups, until it is False.
    """

    label: str

    # machines
    zones: Sequence[str]
    groups: Mapping[str, MachineGroup]
    images: Mapping[Architecture, str]
    public_key: pulumi.Input[str]

    # network
    block: str = "10.80.0.0/16"
    ssh_from: Sequence[str] = ()
    session_manager: bool = False
    tunnel_port: int | None = None
    data_path_port: int = DATA_PATH_PORT
    gateway_port: int = 8080
    domain: Domain | None = None

    # the rest
    bucket: str
    repositories: Sequence[str] = ()
    budget: Budget | None = None
    protected: bool = False
    tags: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class AwsHostsOutputs:
    """What a fleet is built on.

    Attributes:
        hosts: by name.
        user: logs in on each.
        security_group: id of the hosts' group.
        url: how clients call the fleet; None without a domain.
        repositories: URL of each image's repository.
        bucket: name of the bucket for backups.
        key: ARN of the key that disks, images and backups are encrypted with.
    """

    hosts: Mapping[str, AwsHost]
    user: pulumi.Output[str]
    security_group: pulumi.Output[str]
    url: pulumi.Output[str] | None
    repositories: Mapping[str, pulumi.Output[str]]
    bucket: pulumi.Output[str]
    key: pulumi.Output[str]

    def swarm_hosts(self) -> list[SwarmHost]:
        """Return the hosts as components.swarm takes them."""
        return [
            SwarmHost(
                name=name,
                machine=host.id,
                address=host.address,
                host_key=host.host_key,
                advertise_address=host.private_address,
                role=host.role,
                user=USER,
                labels={"place": "aws", "zone": host.zone, **({"gpu": "true"} if has_gpu(host.type) else {})},
            )
            for name, host in self.hosts.items()
        ]

    def tunnel_hosts(self) -> list[TunnelHost]:
        """Return the hosts as components.tunnel takes them. Inside the network they use their addresses there."""
        return [
            TunnelHost(
                name=name,
                machine=host.id,
                address=host.address,
                host_key=host.host_key,
                site="aws",
                inside_address=host.private_address,
                user=USER,
            )
            for name, host in self.hosts.items()
        ]


class AwsHosts(pulumi.ComponentResource):
    """Hosts in one region of AWS, with all that a fleet needs there.

    Give it a provider of the region; `docs/decisions/0015` says what stays behind when it is destroyed.
    """

    def __init__(self, name: str, args: AwsHostsArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("mcp-fleet:hosts:AwsHosts", name, {}, opts)
        check(args)
        under_self = pulumi.ResourceOptions(parent=self)
        named: dict[str, Any] = {"label": args.label, "tags": args.tags}
        key = kms.Key(
            name,
            kms.KeyArgs(
                description=f"{args.label}: disks, images, backups",
                enable_key_rotation=True,
                deletion_window_in_days=KEY_DELETION_DAYS,
                tags={**args.tags, "Name": args.label},
            ),
            opts=pulumi.ResourceOptions(parent=self, protect=args.protected),
        )
        network = AwsNetwork(name, AwsNetworkArgs(**named, zones=args.zones, block=args.block), under_self).outputs
        groups = AwsSecurityGroups(
            name,
            AwsSecurityGroupsArgs(
                **named,
                vpc=network.vpc,
                gateway_port=args.gateway_port,
                between_hosts=([wireguard(args.tunnel_port)] if args.tunnel_port else swarm_ports(args.data_path_port)),
                openings={f"ssh-{source}": ssh(source) for source in args.ssh_from},
            ),
            under_self,
        ).outputs
        repositories = AwsRepositories(
            name,
            AwsRepositoriesArgs(**named, names=args.repositories, key=key.arn, protected=args.protected),
            under_self,
        ).outputs
        backups = AwsBackups(
            name,
            AwsBackupsArgs(bucket=args.bucket, key=key.arn, tags=args.tags, protected=args.protected),
            under_self,
        ).outputs
        role = AwsHostRole(
            name,
            AwsHostRoleArgs(
                **named,
                repositories=list(repositories.arns.values()),
                bucket=backups.arn,
                key=key.arn,
                session_manager=args.session_manager,
            ),
            under_self,
        ).outputs
        hosts = AwsMachines(
            name,
            AwsMachinesArgs(
                **named,
                groups=args.groups,
                images=args.images,
                public_key=args.public_key,
                tunnel=args.tunnel_port is not None,
                subnets=network.subnets,
                security_group=groups.hosts,
                profile=role.profile,
                key=key.arn,
            ),
            under_self,
        ).outputs.hosts
        if args.budget:
            budget = AwsBudgetArgs(
                name=args.label, dollars=args.budget.dollars, emails=args.budget.emails, tags=args.tags
            )
            AwsBudget(name, budget, under_self)
        self.outputs = AwsHostsOutputs(
            hosts=hosts,
            user=pulumi.Output.from_input(USER),
            security_group=groups.hosts,
            url=self._url(name, args, list(network.subnets.values()), network.vpc, groups, hosts),
            repositories=repositories.urls,
            bucket=backups.bucket,
            key=key.arn,
        )
        self.register_outputs({**vars(self.outputs), "hosts": {machine: vars(host) for machine, host in hosts.items()}})

    def _url(
        self,
        name: str,
        args: AwsHostsArgs,
        subnets: Sequence[pulumi.Input[str]],
        vpc: pulumi.Input[str],
        groups: AwsSecurityGroupsOutputs,
        hosts: Mapping[str, AwsHost],
    ) -> pulumi.Output[str] | None:
        """The way in, where there is a domain."""
        if args.domain is None:
            return None
        entrance = AwsEntranceArgs(
            label=args.label,
            domain=args.domain.name,
            hosted_zone=args.domain.hosted_zone,
            vpc=vpc,
            subnets=subnets,
            security_group=groups.load_balancer,
            machines={machine: host.id for machine, host in hosts.items()},
            port=args.gateway_port,
            tags=args.tags,
        )
        return AwsEntrance(name, entrance, pulumi.ResourceOptions(parent=self)).outputs.url


def check(args: AwsHostsArgs) -> None:
    """Refuse arguments that don't go together.

    Raises:
        pulumi.RunError: Says which, and why.
    """
    if not LABEL.fullmatch(args.label) or len(args.label) > LABEL_CHARACTERS:
        raise pulumi.RunError(
            f"AWS: label {args.label!r} must be up to {LABEL_CHARACTERS} of a-z, 0-9 and -, from a letter to no -"
        )
    if not args.ssh_from and not args.session_manager:
        raise pulumi.RunError("AWS: nobody could log in on the hosts; give `ssh_from` or `session_manager`")
