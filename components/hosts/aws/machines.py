"""Machines of a fleet in AWS."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

import pulumi
import pulumi_random as random
from pulumi_aws import ec2

from components.hosts.cloud_init import user_data
from components.hosts.machine_keys import MachineKeys, machine_keys

Architecture = Literal["x86_64", "arm64"]
Role = Literal["manager", "worker"]
SEED_CHARACTERS = 48
USER_DATA_BYTES = 16_384
"""EC2's limit: https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/instancedata-add-user-data.html"""
IMAGE = re.compile(r"ami-[0-9a-f]{8}([0-9a-f]{9})?")
FAMILY = re.compile(r"(?P<letters>[a-z]+(-[a-z0-9]+)??)(?P<generation>\d+)(?P<options>[a-z-]*)\.[a-z0-9-]+")
GPU_FAMILIES = frozenset({"g", "gr", "p"})
ZONES_OF_MANAGERS = 3
"""A Swarm loses its quorum with the zone that has half of the managers."""


@dataclass(frozen=True, kw_only=True)
class MachineGroup:
    """Machines that are alike.

    Arguments:
        role: in the Swarm.
        count: how many; they take turns in the zones.
        type: such as t3.large, or t4g.large for ARM.
        disk_gibibytes: of the one disk.
    """

    role: Role
    count: int
    type: str
    disk_gibibytes: int = 50


@dataclass(frozen=True, kw_only=True)
class AwsMachinesArgs:
    """Arguments of AwsMachines.

    Arguments:
        label: what names in the account begin with.
        groups: by name; the machines are `<group>-1`, `<group>-2`, ….
        images: of Debian or Ubuntu, for each architecture that is used: ami-….
        public_key: SSH keys, a line each, that may log in as `fleet`.
        subnets: id of each zone's subnet. Another number of zones moves machines, which is another machine.
        security_group, profile, key: id of the hosts' group, name of their instance profile, ARN of the disks' key.
        tunnel: whether they can be part of a Tunnel; another choice is other machines.
    """

    label: str

    # what
    groups: Mapping[str, MachineGroup]
    images: Mapping[Architecture, str]
    public_key: pulumi.Input[str]
    tunnel: bool = False

    # where
    subnets: Mapping[str, pulumi.Input[str]]
    security_group: pulumi.Input[str]
    profile: pulumi.Input[str]
    key: pulumi.Input[str]
    tags: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class AwsHost:
    """A machine.

    Attributes:
        id: EC2's id of it.
        role, zone, type: what it is for, and where and what it is.
        address, private_address: its public address, and the one inside the network.
        host_key: the SSH host key that was planted.
    """

    id: pulumi.Output[str]
    role: Role
    zone: str
    type: str
    address: pulumi.Output[str]
    private_address: pulumi.Output[str]
    host_key: pulumi.Output[str]


@dataclass(frozen=True, kw_only=True)
class AwsMachinesOutputs:
    """The hosts by name."""

    hosts: Mapping[str, AwsHost]


@dataclass(frozen=True, kw_only=True)
class Placed:
    """One machine of a group, and its zone."""

    group: MachineGroup
    zone: str


class AwsMachines(pulumi.ComponentResource):
    """Instances of EC2 with encrypted disks that become hosts by themselves.

    Another image, type, key or zone makes another machine: it is there before the old one goes.
    """

    def __init__(self, name: str, args: AwsMachinesArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("mcp-fleet:hosts:AwsMachines", name, {}, opts)
        check(args)
        self._name, self._args = name, args
        machines = placed(args.groups, list(args.subnets))
        hosts = {machine: self._host(machine, it) for machine, it in machines.items()}
        self.outputs = AwsMachinesOutputs(hosts=hosts)
        self.register_outputs({"hosts": {machine: vars(host) for machine, host in hosts.items()}})

    def _host(self, machine: str, it: Placed) -> AwsHost:
        args = self._args
        keys = self._keys(machine)
        data = pulumi.Output.all(args.public_key, keys).apply(
            lambda both: checked_size(
                user_data(hostname=f"{args.label}-{machine}", public_key=both[0], keys=both[1], tunnel=args.tunnel)
            )
        )
        tags = {**args.tags, "Name": f"{args.label}-{machine}"}
        instance = ec2.Instance(
            f"{self._name}-{machine}",
            ec2.InstanceArgs(
                ami=args.images[architecture(it.group.type)],
                instance_type=it.group.type,
                subnet_id=args.subnets[it.zone],
                vpc_security_group_ids=[args.security_group],
                associate_public_ip_address=True,
                iam_instance_profile=args.profile,
                user_data=data,
                user_data_replace_on_change=True,
                # One hop: what runs in a container doesn't reach the user data or the role's credentials.
                metadata_options=ec2.InstanceMetadataOptionsArgs(
                    http_endpoint="enabled", http_tokens="required", http_put_response_hop_limit=1
                ),
                root_block_device=ec2.InstanceRootBlockDeviceArgs(
                    encrypted=True,
                    kms_key_id=args.key,
                    volume_type="gp3",
                    volume_size=it.group.disk_gibibytes,
                    delete_on_termination=True,
                    tags=tags,
                ),
                tags=tags,
            ),
            opts=pulumi.ResourceOptions(parent=self, additional_secret_outputs=["userData"]),
        )
        return AwsHost(
            id=instance.id,
            role=it.group.role,
            zone=it.zone,
            type=it.group.type,
            address=instance.public_ip,
            private_address=instance.private_ip,
            host_key=pulumi.Output.unsecret(keys.apply(lambda found: found.ssh_public)),
        )

    def _keys(self, machine: str) -> pulumi.Output[MachineKeys]:
        seed = random.RandomPassword(
            f"{self._name}-{machine}-seed",
            random.RandomPasswordArgs(length=SEED_CHARACTERS, special=False),
            opts=pulumi.ResourceOptions(parent=self),
        )
        return seed.result.apply(machine_keys)


def placed(groups: Mapping[str, MachineGroup], zones: Sequence[str]) -> dict[str, Placed]:
    """Return where each machine goes. One more in a group, or a group that is appended, moves no other machine."""
    return {
        f"{name}-{number + 1}": Placed(group=group, zone=zones[(turn + number) % len(zones)])
        for turn, (name, group) in enumerate(groups.items())
        for number in range(group.count)
    }


def architecture(instance_type: str) -> Architecture:
    """Return the architecture of a type: those with a `g` after the generation, and a1, have Graviton processors.

    Source: https://docs.aws.amazon.com/ec2/latest/instancetypes/instance-type-names.html

    Raises:
        pulumi.RunError: It is no type's name.
    """
    found = FAMILY.fullmatch(instance_type)
    if not found:
        raise pulumi.RunError(f"AWS: {instance_type!r} is no instance type; give one such as t3.large or t4g.large")
    arm = "g" in found["options"].partition("-")[0] or found["letters"] + found["generation"] == "a1"
    return "arm64" if arm else "x86_64"


def has_gpu(instance_type: str) -> bool:
    """Whether machines of a type have GPUs: those of the families G and P, such as g6.xlarge and p5.48xlarge."""
    found = FAMILY.fullmatch(instance_type)
    return found is not None and found["letters"] in GPU_FAMILIES


def checked_size(data: str) -> str:
    """Return user data that EC2 takes.

    Raises:
        pulumi.RunError: It is too long. What it says is not told: it has keys.
    """
    size = len(data.encode())
    if size > USER_DATA_BYTES:
        raise pulumi.RunError(f"AWS: user data has {size} bytes, and EC2 takes {USER_DATA_BYTES}; give fewer keys")
    return data


def check(args: AwsMachinesArgs) -> None:
    """Refuse what EC2 would refuse later, or what would not be a fleet.

    Raises:
        pulumi.RunError: Says what is wrong.
    """
    used = {architecture(group.type): group.type for group in args.groups.values()}
    for kind, instance_type in used.items():
        image = args.images.get(kind, "")
        if not IMAGE.fullmatch(image):
            raise pulumi.RunError(
                f"AWS: {instance_type} is {kind}, and images[{kind!r}] is {image!r}; give the id of one image, such as "
                "ami-0123456789abcdef0, so that the machines change only when it does"
            )
    managers = [it.zone for it in placed(args.groups, list(args.subnets)).values() if it.group.role == "manager"]
    wanted = min(len(managers), ZONES_OF_MANAGERS)
    if len(set(managers)) < wanted:
        raise pulumi.RunError(
            f"AWS: {len(managers)} managers are in {len(set(managers))} zones, and one zone that fails must not take "
            f"the quorum with it; give subnets in {wanted} zones, and all managers in one group"
        )
