"""Machines on AWS, and of Lambda Labs, joined into a Swarm, as the place where a fleet runs."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any, Final

import pulumi
import pulumi_aws as aws
import pulumi_docker as docker
from pulumi_aws import ecr

from components.fleet import Fleet
from components.hosts.aws.entrance import NOTICE_SECONDS
from components.hosts.aws.hosts import AwsHosts, AwsHostsArgs, AwsHostsOutputs, Budget, Domain
from components.hosts.aws.machines import Architecture, MachineGroup, architecture
from components.hosts.cloud_init import USER
from components.hosts.machine_keys import MachineKeys, machine_keys
from components.image import Platform, RegistryAccount
from components.overlay_network import OverlayNetwork, OverlayNetworkArgs
from components.swarm import Swarm, SwarmArgs, SwarmHost
from policy.tags import STACK_TAG

from .hosts_config import AWS_PLACE, CloudHosts
from .hosts_consistency import label
from .image_tags import image_tags
from .joined_hosts import joined_hosts
from .lambda_labs_machines import lambda_labs_platforms
from .load import Stack
from .manager_login import HOST as MANAGERS
from .manager_login import login_flags, write_login
from .managers import Manager, Managers
from .server_image import image_names
from .site import GROUP_LABEL, PLACE_LABEL, ZONE_LABEL, Site, constraints, password

REGISTRY_USER: Final = "AWS"
"""Source: https://docs.aws.amazon.com/AmazonECR/latest/userguide/registry_auth.html"""
SEED_CHARACTERS: Final = 48
PLATFORMS: Final[Mapping[Architecture, Platform]] = {"x86_64": "linux/amd64", "arm64": "linux/arm64"}
GATEWAYS: Final = 2
"""One of them may go, with its machine or for a release, and clients still come in."""
DATA_LABEL: Final = "data"
"""Of the one node that has the volumes: the manager that the Docker provider speaks to makes them."""


def aws_site(stack: Stack, config: CloudHosts, images: Mapping[str, str], name_key: pulumi.Output[str]) -> Site:
    """Make the machines, the Swarm and the network, and log in at the registry.

    Arguments:
        images: what the fleet's images are built from.
        name_key: see Fleet.
    """
    keys = password("ssh-key", length=SEED_CHARACTERS).result.apply(machine_keys)
    provider = aws.Provider("aws", aws.ProviderArgs(region=config.aws.region))
    machines = AwsHosts("aws", hosts_args(stack, config, keys), opts=pulumi.ResourceOptions(providers=[provider]))
    found = machines.outputs
    joined = joined_hosts(stack, config, machines, provider, keys)
    hosts = labelled(joined.hosts)
    private_key: pulumi.Output[str] = pulumi.Output.secret(keys.apply(lambda own: own.ssh_private))
    # Of its own: the default one of dynamic resources gets the whole config, and would change with each server.
    joining = pulumi.ProviderResource("pulumi-python", "swarm", {})
    swarm = Swarm(
        "swarm",
        SwarmArgs(
            swarm=label(stack.name), hosts=hosts, private_key=private_key, address_pools=[config.aws.overlay_network]
        ),
        opts=pulumi.ResourceOptions(providers=[joining], depends_on=list(joined.after), deleted_with=machines),
    )
    registries = _registries(stack, found, provider)
    managers = [host for host in hosts if host.role == "manager"]
    through = _docker(stack, managers, private_key, registries["gateway"], swarm)
    opts = pulumi.ResourceOptions(providers=[through], depends_on=[swarm], deleted_with=machines)
    network = OverlayNetwork(
        stack.name, OverlayNetworkArgs(network=stack.name, mtu=joined.mtu), opts=opts
    ).outputs.network
    return Site(
        fleet=Fleet(
            name=stack.name,
            network=network,
            name_key=name_key,
            data_constraints=[f"node.labels.{DATA_LABEL} == true"],
        ),
        provider=through,
        goes_with=machines,
        registries=registries,
        platforms=platforms(config),
        tags=image_tags(stack, images),
        url=f"https://{config.aws.domain.name}",
        gateways=min(GATEWAYS, sum(group.count for group in config.aws.groups.values())),
        notice_seconds=NOTICE_SECONDS,
        entrances=constraints(AWS_PLACE) if config.lambda_labs else (),  # where the load balancer looks
        spread=spread(config),
        absent=frozenset({"registry"}),
        managers=_managers(managers, private_key),
    )


def hosts_args(stack: Stack, hosts: CloudHosts, keys: pulumi.Output[MachineKeys]) -> AwsHostsArgs:
    """Return what `hosts` ask of AWS. What holds data is protected by `mcp-fleet:protect`, as everywhere."""
    config = hosts.aws
    own_key = pulumi.Output.unsecret(keys.apply(lambda own: own.ssh_public))
    return AwsHostsArgs(
        label=label(stack.name),
        zones=config.zones,
        groups={
            name: MachineGroup(role=group.role, count=group.count, type=group.type, disk_gibibytes=group.disk_gibibytes)
            for name, group in config.groups.items()
        },
        images=config.images,
        public_key=own_key.apply(lambda own: "\n".join([own, *config.admin_keys])),
        block=config.network,
        ssh_from=config.ssh_from,
        tunnel_port=hosts.tunnelled.port if hosts.tunnelled else None,
        gateway_port=stack.config.port,
        domain=Domain(name=config.domain.name, hosted_zone=config.domain.hosted_zone),
        bucket=config.bucket,
        repositories=image_names(stack.config),
        budget=Budget(dollars=config.budget.dollars, emails=config.budget.emails) if config.budget else None,
        tags={**config.tags, STACK_TAG: stack.name},
    )


def platforms(config: CloudHosts) -> list[Platform]:
    """Return what images are built for: the architectures of all machines, because each of them may run any."""
    elsewhere = lambda_labs_platforms(config.lambda_labs) if config.lambda_labs else set()
    return sorted({PLATFORMS[architecture(group.type)] for group in config.aws.groups.values()} | elsewhere)


def spread(config: CloudHosts) -> tuple[str, ...]:
    """Return the labels over whose values replicas are spread: their cloud first, then the zone there."""
    labels = (PLACE_LABEL, ZONE_LABEL) if config.lambda_labs else (ZONE_LABEL,)
    return tuple(f"node.labels.{name}" for name in labels)


def labelled(hosts: Iterable[SwarmHost]) -> list[SwarmHost]:
    """Return the hosts with the labels that constraints name: their group, and which one has the volumes."""
    known = list(hosts)
    first = next(host for host in known if host.role == "manager")
    return [
        replace(
            host,
            labels={
                **host.labels,
                GROUP_LABEL: host.name.rpartition("-")[0],
                **({DATA_LABEL: "true"} if host is first else {}),
            },
        )
        for host in known
    ]


def _managers(hosts: Sequence[SwarmHost], private_key: pulumi.Output[str]) -> pulumi.Output[Mapping[str, Any]]:
    reached = [
        pulumi.Output.all(address=host.address, user=host.user, host_key=host.host_key).apply(lambda it: Manager(**it))
        for host in hosts
    ]
    told = pulumi.Output.all(private_key, *reached).apply(
        lambda it: Managers(private_key=it[0], hosts=tuple(it[1:])).exported()
    )
    return pulumi.Output.secret(told)


def _registries(stack: Stack, hosts: AwsHostsOutputs, provider: aws.Provider) -> dict[str, RegistryAccount]:
    """Where each image goes. The token is good for twelve hours: another one each time."""
    token = ecr.get_authorization_token_output(opts=pulumi.InvokeOptions(provider=provider))
    return {
        name: RegistryAccount(
            address=url.apply(registry_of),
            namespace=label(stack.name),
            username=REGISTRY_USER,
            password=pulumi.Output.secret(token.password),
        )
        for name, url in hosts.repositories.items()
    }


def registry_of(url: str) -> str:
    """Return the registry of a repository's URL."""
    return url.partition("/")[0]


def _docker(
    stack: Stack, managers: Sequence[SwarmHost], private_key: pulumi.Output[str], account: RegistryAccount, swarm: Swarm
) -> docker.Provider:
    """The Docker provider, once the hosts are a Swarm: on the manager with the volumes, or the next if that is lost."""

    def reached(values: Mapping[str, Any]) -> str:
        write_login(stack.name, values["key"], values["host_keys"], values["addresses"])
        return f"ssh://{USER}@{MANAGERS}"

    host_keys, addresses = [host.host_key for host in managers], [host.address for host in managers]
    host = pulumi.Output.all(key=private_key, host_keys=host_keys, addresses=addresses).apply(reached)
    return docker.Provider(
        "docker",
        docker.ProviderArgs(
            host=pulumi.Output.unsecret(host),
            ssh_opts=login_flags(stack.name),
            registry_auth=[
                docker.ProviderRegistryAuthArgs(
                    address=account.address, username=account.username, password=account.password
                )
            ],
        ),
        opts=pulumi.ResourceOptions(depends_on=[swarm]),
    )
