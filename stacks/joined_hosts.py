"""How a stack's machines reach each other: inside their network on AWS, or through a tunnel over both clouds."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import pulumi
import pulumi_aws as aws

from components.hosts.aws.hosts import AwsHosts
from components.hosts.aws.tunnel_openings import AwsTunnelOpenings, AwsTunnelOpeningsArgs
from components.hosts.machine_keys import MachineKeys
from components.swarm import SwarmHost
from components.tunnel import MTU, Tunnel, TunnelArgs

from .hosts_config import CloudHosts, TunnelConfig
from .lambda_labs_machines import LambdaLabsWorker, lambda_labs_workers
from .load import Stack


@dataclass(frozen=True, kw_only=True)
class JoinedHosts:
    """Machines that can be a Swarm.

    Attributes:
        hosts: the managers first.
        mtu: largest packet between them, in bytes; None for Docker's own.
        after: what has to be there before they reach each other.
    """

    hosts: Sequence[SwarmHost]
    mtu: int | None = None
    after: Sequence[pulumi.Resource] = ()


def joined_hosts(
    stack: Stack, hosts: CloudHosts, on_aws: AwsHosts, provider: aws.Provider, keys: pulumi.Output[MachineKeys]
) -> JoinedHosts:
    """Launch the machines of Lambda Labs, if there are any, and make the tunnel, if there is one.

    Arguments:
        on_aws: the machines there; the tunnel's ends are deleted with them.
        keys: the stack's own; its SSH key lets in everywhere.
    """
    found = on_aws.outputs
    if hosts.tunnelled is None:
        return JoinedHosts(hosts=found.swarm_hosts())
    public_key = pulumi.Output.unsecret(keys.apply(lambda own: own.ssh_public))
    workers = lambda_labs_workers(stack, hosts, hosts.lambda_labs, public_key, found.hosts) if hosts.lambda_labs else []
    openings = AwsTunnelOpenings(
        "lambda-labs",
        AwsTunnelOpeningsArgs(
            security_group=found.security_group,
            port=hosts.tunnelled.port,
            hosts={worker.name: worker.host.address for worker in workers},
        ),
        opts=pulumi.ResourceOptions(providers=[provider]),
    )
    tunnel = _tunnel(hosts.tunnelled, on_aws, workers, keys)
    addresses = tunnel.outputs.addresses
    return JoinedHosts(
        hosts=[
            *(replace(host, advertise_address=addresses[host.name]) for host in found.swarm_hosts()),
            *(worker.swarm_host(addresses[worker.name]) for worker in workers),
        ],
        mtu=MTU,
        after=[tunnel, openings],
    )


def _tunnel(
    config: TunnelConfig, on_aws: AwsHosts, workers: Sequence[LambdaLabsWorker], keys: pulumi.Output[MachineKeys]
) -> Tunnel:
    # Of its own, as the Swarm's: the default one of dynamic resources would change with each server.
    provider = pulumi.ProviderResource("pulumi-python", "tunnel", {})
    return Tunnel(
        "tunnel",
        TunnelArgs(
            hosts=[*on_aws.outputs.tunnel_hosts(), *(worker.tunnel_host() for worker in workers)],
            private_key=pulumi.Output.secret(keys.apply(lambda own: own.ssh_private)),
            network=config.network,
            port=config.port,
            keys=config.keys,
        ),
        opts=pulumi.ResourceOptions(providers=[provider], deleted_with=on_aws),
    )
