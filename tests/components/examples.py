"""One example of every component, as a program of somebody else might use it."""

from collections.abc import Mapping, Sequence
from typing import Literal

import pulumi

from components.consul import Consul, ConsulArgs
from components.fleet import Fleet
from components.gateway import Gateway, GatewayArgs
from components.hosts.aws.backups import AwsBackups, AwsBackupsArgs
from components.hosts.aws.budget import AwsBudget, AwsBudgetArgs
from components.hosts.aws.entrance import AwsEntrance, AwsEntranceArgs
from components.hosts.aws.hosts import AwsHosts, AwsHostsArgs, Budget, Domain
from components.hosts.aws.machines import Architecture, AwsMachines, AwsMachinesArgs, MachineGroup
from components.hosts.aws.network import AwsNetwork, AwsNetworkArgs
from components.hosts.aws.repositories import AwsRepositories, AwsRepositoriesArgs
from components.hosts.aws.role import AwsHostRole, AwsHostRoleArgs
from components.hosts.aws.security_groups import AwsSecurityGroups, AwsSecurityGroupsArgs, swarm_ports
from components.hosts.aws.tunnel_openings import AwsTunnelOpenings, AwsTunnelOpeningsArgs
from components.hosts.lambda_labs import FirewallRule, LambdaLabsAccount, LambdaLabsHosts, LambdaLabsHostsArgs, Machine
from components.hosts.local import LocalHost, LocalHostArgs
from components.image import BaseImages, BuiltImage, RegistryAccount, ServerImage, ServerImageArgs
from components.monitoring import Monitoring, MonitoringArgs
from components.overlay_network import OverlayNetwork, OverlayNetworkArgs
from components.postgres import Postgres, PostgresArgs
from components.redis import Redis, RedisArgs
from components.registry import Registry, RegistryArgs
from components.remote_image import RemoteImage, RemoteImageArgs
from components.server import McpServer, McpServerArgs, Mode, SharedCache
from components.swarm import Swarm, SwarmArgs, SwarmHost
from components.swarm_service import Limits
from components.tunnel import Tunnel, TunnelArgs, TunnelHost

PINNED = "docker.io/example/{name}:1@sha256:" + "a" * 64
NAME_KEY = "the-key-of-names"
SECRETS = {
    "name key": NAME_KEY,
    "registry password": "the-password-of-the-registry",
    "token": "the-token-of-the-server",
    "database password": "the-password-for-the-database",
    "cache password": "the-password-for-redis",
    "variable": "the-value-of-the-variable",
    "master": "the-master-of-the-gateway",
    "api key": "the-key-of-codex",
    "generated": "password-of-",
    "account key": "the-key-of-the-account",
    "user data": "the-private-key-in-the-user-data",
    "ssh key": "the-key-of-the-hosts",
}
BASES = BaseImages(python=PINNED.format(name="python"), node=PINNED.format(name="node"))


def secret(name: str) -> pulumi.Output[str]:
    return pulumi.Output.secret(SECRETS[name])


def fleet() -> Fleet:
    return Fleet(name="test", network="net", name_key=secret("name key"))


def account() -> RegistryAccount:
    return RegistryAccount(
        address="localhost:5000", namespace="test", username="test", password=secret("registry password")
    )


def consul() -> Consul:
    return Consul("consul", ConsulArgs(fleet=fleet(), image=PINNED.format(name="consul")))


def postgres() -> Postgres:
    return Postgres(
        "database",
        PostgresArgs(
            fleet=fleet(),
            image=PINNED.format(name="postgres"),
            servers={"time": secret("database password")},
        ),
    )


def redis(servers: Mapping[str, pulumi.Input[str]] | None = None) -> Redis:
    return Redis(
        "redis",
        RedisArgs(
            fleet=fleet(),
            image=PINNED.format(name="redis"),
            exporter_image=PINNED.format(name="redis-exporter"),
            servers={"time": secret("cache password")} if servers is None else servers,
        ),
    )


def registry() -> Registry:
    return Registry(
        "registry",
        RegistryArgs(
            fleet=fleet(),
            image=PINNED.format(name="registry"),
            host="localhost",
            port=5000,
            username="test",
            password=secret("registry password"),
        ),
    )


def monitoring(*, grafana: bool = True) -> Monitoring:
    return Monitoring(
        "monitoring",
        MonitoringArgs(
            fleet=fleet(),
            prometheus_image=PINNED.format(name="prometheus"),
            prometheus_config="global: {}",
            dashboard="{}",
            grafana_image=PINNED.format(name="grafana") if grafana else None,
        ),
    )


def host() -> LocalHost:
    return LocalHost("test", LocalHostArgs(network="test"))


def overlay_network() -> OverlayNetwork:
    return OverlayNetwork("test", OverlayNetworkArgs(network="test"))


def lambda_labs_hosts() -> LambdaLabsHosts:
    return LambdaLabsHosts(
        "gpu",
        LambdaLabsHostsArgs(
            account=LambdaLabsAccount(api_key=secret("account key")),
            label="test",
            machines={name: Machine(user_data=secret("user data"), hostname=name) for name in ("one", "two")},
            types=["gpu_1x_a10"],
            regions=["us-east-1"],
            public_key="ssh-ed25519 AAAA operator",
            firewall=[FirewallRule(description="ping", protocol="icmp", source="0.0.0.0/0")],
            file_systems={"/data/models": "models"},
            tags={"team": "search"},
        ),
    )


def image_args() -> ServerImageArgs:
    return ServerImageArgs(
        kind="python",
        package="mcp-server-time",
        version="2026.10.19",
        command="mcp-server-time",
        bases=BASES,
        registry=account(),
        builder="builder",
    )


def image() -> ServerImage:
    return ServerImage("time", image_args())


def server(
    *,
    volume: bool = False,
    mode: Mode = "auto",
    workers: int = 1,
    pool: int = 1,
    shared_cache: bool = True,
    arguments: Sequence[str] = ("--local-timezone", "UTC"),
    files: Mapping[str, str] | None = None,
) -> McpServer:
    return McpServer(
        "time",
        McpServerArgs(
            fleet=fleet(),
            image=image_args(),
            arguments=arguments,
            environment={"COLOUR": "blue"},
            secrets={"API_TOKEN": secret("variable")},
            files=files or {},
            volume=volume,
            mode=mode,
            workers=workers,
            pool=pool,
            gateway_token=secret("token"),
            consul="http://consul:8500",
            otlp="http://collector:4318",
            limits=Limits.of(cpus=0.5, mebibytes=256),
            concurrency=16,
            cache=True,
            shared_cache=SharedCache(address="redis:6379", password=secret("cache password")) if shared_cache else None,
        ),
    )


def gateway() -> Gateway:
    return Gateway(
        "gateway",
        GatewayArgs(
            fleet=fleet(),
            bases=BASES,
            registry=account(),
            builder="builder",
            version="1",
            port=8080,
            consul="http://consul:8500",
            otlp="http://collector:4318",
            policy='{"clients": {}}',
            keys={"codex": [secret("api key")]},
            master=secret("master"),
        ),
    )


def swarm() -> Swarm:
    def host(name: str, role: Literal["manager", "worker"]) -> SwarmHost:
        return SwarmHost(
            name=name,
            machine=f"i-{name}",
            address=f"{name}.example",
            host_key="ssh-ed25519 AAAA",
            advertise_address=f"{name}.example",
            role=role,
        )

    return Swarm(
        "swarm",
        SwarmArgs(
            swarm="test",
            hosts=[host("w1", "worker"), host("m1", "manager"), host("m2", "manager"), host("m3", "manager")],
            private_key=secret("ssh key"),
        ),
    )


KEY = "arn:aws:kms:eu-west-1:123456789012:key/1234"
BUCKET = "arn:aws:s3:::example"
ZONES = ("eu-west-1a", "eu-west-1b", "eu-west-1c")
MACHINES = {
    "manager": MachineGroup(role="manager", count=3, type="t3.large"),
    "arm": MachineGroup(role="worker", count=1, type="t4g.large"),
}
AWS_IMAGES: dict[Architecture, str] = {"x86_64": "ami-0123456789abcdef0", "arm64": "ami-0123456789abcdef1"}


def aws_network() -> AwsNetwork:
    return AwsNetwork("net", AwsNetworkArgs(label="test", zones=ZONES))


def aws_security_groups() -> AwsSecurityGroups:
    return AwsSecurityGroups(
        "groups",
        AwsSecurityGroupsArgs(label="test", vpc="vpc-1", gateway_port=8080, between_hosts=swarm_ports(4789)),
    )


def aws_role() -> AwsHostRole:
    return AwsHostRole(
        "role",
        AwsHostRoleArgs(label="test", repositories=[], bucket=BUCKET, key=KEY, session_manager=True),
    )


def aws_machines() -> AwsMachines:
    return AwsMachines(
        "machines",
        AwsMachinesArgs(
            label="test",
            groups=MACHINES,
            images=AWS_IMAGES,
            public_key="ssh-ed25519 AAAA operator",
            subnets={zone: f"subnet-{zone}" for zone in ZONES},
            security_group="sg-1",
            profile="host",
            key=KEY,
            tunnel=True,
        ),
    )


def aws_repositories() -> AwsRepositories:
    return AwsRepositories("images", AwsRepositoriesArgs(label="test", names=["time"], key=KEY))


def aws_backups() -> AwsBackups:
    return AwsBackups("backups", AwsBackupsArgs(bucket="example", key=KEY))


def aws_entrance() -> AwsEntrance:
    return AwsEntrance(
        "entrance",
        AwsEntranceArgs(
            label="test",
            domain="mcp.example.com",
            hosted_zone="Z1",
            vpc="vpc-1",
            subnets=["subnet-1"],
            security_group="sg-1",
            machines={"manager-1": "i-1"},
            port=8080,
        ),
    )


def aws_budget() -> AwsBudget:
    return AwsBudget("budget", AwsBudgetArgs(name="test", dollars=500, emails=["owner@example.com"]))


def aws_hosts() -> AwsHosts:
    return AwsHosts(
        "aws",
        AwsHostsArgs(
            label="test",
            zones=ZONES,
            groups=MACHINES,
            images=AWS_IMAGES,
            public_key="ssh-ed25519 AAAA operator",
            ssh_from=["203.0.113.0/24"],
            domain=Domain(name="mcp.example.com", hosted_zone="Z1"),
            bucket="example",
            repositories=["time"],
            budget=Budget(dollars=500, emails=["owner@example.com"]),
        ),
    )


def aws_tunnel_openings() -> AwsTunnelOpenings:
    return AwsTunnelOpenings(
        "openings", AwsTunnelOpeningsArgs(security_group="sg-1", port=51820, hosts={"gpu-1": "198.51.100.7"})
    )


def tunnel() -> Tunnel:
    places = {"m1": "aws", "m2": "aws", "gpu-1": ""}
    hosts = [
        TunnelHost(
            name=name,
            machine=f"i-{name}",
            address=f"198.51.100.{number}",
            host_key="ssh-ed25519 AAAA",
            site=site,
            inside_address=f"10.80.0.{number}" if site else "",
            user="fleet",
        )
        for number, (name, site) in enumerate(places.items(), 1)
    ]
    return Tunnel("tunnel", TunnelArgs(hosts=hosts, private_key=secret("ssh key")))


def remote_image() -> RemoteImage:
    return RemoteImage("remote", RemoteImageArgs(version="1", bases=BASES, registry=account(), builder="builder"))


def remote_server() -> McpServer:
    return McpServer(
        "linear",
        McpServerArgs(
            fleet=fleet(),
            image=BuiltImage(ref="registry:5000/dev/remote:1@sha256:0", command="mcp-remote"),
            arguments=("https://mcp.linear.app/mcp", "--header=Authorization: Bearer {LINEAR_API_KEY}"),
            environment={},
            secrets={"LINEAR_API_KEY": secret("variable")},
            gateway_token=secret("token"),
            consul="http://consul:8500",
            limits=Limits.of(cpus=0.5, mebibytes=256),
        ),
    )


def image_server() -> McpServer:
    return McpServer(
        "files",
        McpServerArgs(
            fleet=fleet(),
            image=ServerImageArgs(
                kind="oci",
                origin=PINNED.format(name="files"),
                command="/server",
                version="1",
                bases=BASES,
                registry=account(),
                builder="mcp-fleet",
            ),
            arguments=("stdio",),
            environment={},
            secrets={},
            gateway_token=secret("token"),
            consul="http://consul:8500",
            limits=Limits.of(cpus=0.5, mebibytes=256),
        ),
    )


TOKENS = {
    "mcp-fleet:components:Consul": consul,
    "mcp-fleet:components:Gateway": gateway,
    "mcp-fleet:components:McpServer": server,
    "mcp-fleet:components:Monitoring": monitoring,
    "mcp-fleet:components:OverlayNetwork": overlay_network,
    "mcp-fleet:components:Postgres": postgres,
    "mcp-fleet:components:Redis": redis,
    "mcp-fleet:components:Registry": registry,
    "mcp-fleet:components:RemoteImage": remote_image,
    "mcp-fleet:components:ServerImage": image,
    "mcp-fleet:hosts:AwsBackups": aws_backups,
    "mcp-fleet:hosts:AwsBudget": aws_budget,
    "mcp-fleet:hosts:AwsEntrance": aws_entrance,
    "mcp-fleet:hosts:AwsHostRole": aws_role,
    "mcp-fleet:hosts:AwsHosts": aws_hosts,
    "mcp-fleet:hosts:AwsMachines": aws_machines,
    "mcp-fleet:hosts:AwsNetwork": aws_network,
    "mcp-fleet:hosts:AwsRepositories": aws_repositories,
    "mcp-fleet:hosts:AwsSecurityGroups": aws_security_groups,
    "mcp-fleet:hosts:AwsTunnelOpenings": aws_tunnel_openings,
    "mcp-fleet:hosts:LambdaLabsHosts": lambda_labs_hosts,
    "mcp-fleet:components:Swarm": swarm,
    "mcp-fleet:components:Tunnel": tunnel,
    "mcp-fleet:hosts:LocalHost": host,
}
"""An example of each component by its type token. A token is part of every URN: it never changes."""
