"""Machines of Lambda Labs as workers of a stack whose managers are on AWS."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import pulumi

from components.hosts.aws.machines import AwsHost
from components.hosts.cloud_init import USER, user_data
from components.hosts.lambda_labs import (
    SSH_PORT,
    FirewallRule,
    LambdaLabsAccount,
    LambdaLabsHost,
    LambdaLabsHosts,
    LambdaLabsHostsArgs,
    Machine,
    has_gpu,
    is_arm,
)
from components.hosts.machine_keys import MachineKeys, machine_keys
from components.image import Platform
from components.swarm import SwarmHost
from components.tunnel import TunnelHost

from .hosts_config import LAMBDA_LABS_PLACE, CloudHosts, LambdaLabsConfig
from .hosts_consistency import LAMBDA_GROUP, label
from .load import Stack
from .site import GPU_LABEL, PLACE_LABEL, password

SEED_CHARACTERS: Final = 48
TAG: Final = "mcp-fleet:stack"


@dataclass(frozen=True, kw_only=True)
class LambdaLabsWorker:
    """One machine: where it is, the SSH host key that was planted, and whether it has GPUs."""

    name: str
    host: LambdaLabsHost
    host_key: pulumi.Output[str]
    gpu: bool

    def tunnel_host(self) -> TunnelHost:
        """Return it as components.tunnel takes it: all others reach it from outside, those of its region too."""
        return TunnelHost(
            name=self.name,
            machine=self.host.id,
            address=self.host.address,
            host_key=self.host_key,
            user=USER,
        )

    def swarm_host(self, advertise_address: pulumi.Input[str]) -> SwarmHost:
        """Return it as components.swarm takes it."""
        return SwarmHost(
            name=self.name,
            machine=self.host.id,
            address=self.host.address,
            host_key=self.host_key,
            advertise_address=advertise_address,
            user=USER,
            labels={PLACE_LABEL: LAMBDA_LABS_PLACE, **({GPU_LABEL: "true"} if self.gpu else {})},
        )


def lambda_labs_workers(
    stack: Stack,
    hosts: CloudHosts,
    config: LambdaLabsConfig,
    public_key: pulumi.Output[str],
    aws: Mapping[str, AwsHost],
) -> list[LambdaLabsWorker]:
    """Launch the machines.

    Arguments:
        public_key: the stack's own SSH key.
        aws: the hosts there, which reach them through the tunnel.
    """
    names = [f"{LAMBDA_GROUP}-{number + 1}" for number in range(config.count)]
    keys = {name: password(f"{name}-seed", length=SEED_CHARACTERS).result.apply(machine_keys) for name in names}
    found = LambdaLabsHosts(
        "lambda-labs",
        LambdaLabsHostsArgs(
            account=LambdaLabsAccount.from_config(),
            label=label(stack.name),
            machines={
                name: _machine(f"{label(stack.name)}-{name}", keys[name], public_key, hosts.aws.admin_keys)
                for name in names
            },
            types=config.types,
            regions=config.regions,
            image=config.image,
            public_key=public_key,
            firewall=list(_rules(hosts, aws)),
            tags={TAG: stack.name},
        ),
    ).outputs
    return [
        LambdaLabsWorker(
            name=name,
            host=host,
            host_key=pulumi.Output.unsecret(keys[name].apply(lambda planted: planted.ssh_public)),
            gpu=all(has_gpu(type_) for type_ in config.types),
        )
        for name, host in found.hosts.items()
    ]


def lambda_labs_platforms(config: LambdaLabsConfig) -> set[Platform]:
    """Return what images are built for that any of the machines may run."""
    return {"linux/arm64" if is_arm(type_) else "linux/amd64" for type_ in config.types}


def _machine(
    hostname: str, keys: pulumi.Output[MachineKeys], public_key: pulumi.Output[str], admin_keys: Sequence[str]
) -> Machine:
    data = pulumi.Output.all(public_key, keys).apply(
        lambda both: user_data(
            hostname=hostname, public_key="\n".join([both[0], *admin_keys]), keys=both[1], tunnel=True
        )
    )
    return Machine(user_data=data, hostname=hostname)


def _rules(hosts: CloudHosts, aws: Mapping[str, AwsHost]) -> Iterator[FirewallRule]:
    """Yield what the machines let in: administration, and the tunnel from each host on AWS.

    Not from each other: rules are given before the machines have addresses. Both ends of a tunnel send first, and again
    every 25 seconds, and a firewall lets answers in.
    """
    for source in hosts.aws.ssh_from:
        yield FirewallRule(description="administration", protocol="tcp", source=source, ports=(SSH_PORT, SSH_PORT))
    if hosts.tunnelled:
        port = hosts.tunnelled.port
        for name, host in aws.items():
            one = pulumi.Output.concat(host.address, "/32")
            yield FirewallRule(description=f"tunnel from {name}", protocol="udp", source=one, ports=(port, port))
