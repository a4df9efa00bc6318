"""One example of every component, as a program of somebody else might use it."""

from typing import Literal

import pulumi

from components.consul import Consul, ConsulArgs
from components.fleet import Fleet
from components.gateway import Gateway, GatewayArgs
from components.hosts.lambda_labs import FirewallRule, LambdaLabsAccount, LambdaLabsHosts, LambdaLabsHostsArgs, Machine
from components.hosts.local import LocalHost, LocalHostArgs
from components.image import BaseImages, RegistryAccount, ServerImage, ServerImageArgs
from components.monitoring import Monitoring, MonitoringArgs
from components.redis import Redis, RedisArgs
from components.registry import Registry, RegistryArgs
from components.server import McpServer, McpServerArgs, Mode
from components.swarm import Swarm, SwarmArgs, SwarmHost
from components.swarm_service import Limits

PINNED = "docker.io/example/{name}:1@sha256:" + "a" * 64
NAME_KEY = "the-key-of-names"
SECRETS = {
    "name key": NAME_KEY,
    "registry password": "the-password-of-the-registry",
    "token": "the-token-of-the-server",
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


def redis() -> Redis:
    return Redis(
        "redis",
        RedisArgs(
            fleet=fleet(),
            image=PINNED.format(name="redis"),
            exporter_image=PINNED.format(name="redis-exporter"),
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


def server(*, volume: bool = False, mode: Mode = "auto", workers: int = 1, pool: int = 1) -> McpServer:
    return McpServer(
        "time",
        McpServerArgs(
            fleet=fleet(),
            image=image_args(),
            arguments=["--local-timezone", "UTC"],
            environment={"COLOUR": "blue"},
            secrets={"API_TOKEN": secret("variable")},
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


TOKENS = {
    "mcp-fleet:components:Consul": consul,
    "mcp-fleet:components:Gateway": gateway,
    "mcp-fleet:components:McpServer": server,
    "mcp-fleet:components:Monitoring": monitoring,
    "mcp-fleet:components:Redis": redis,
    "mcp-fleet:components:Registry": registry,
    "mcp-fleet:components:ServerImage": image,
    "mcp-fleet:hosts:LambdaLabsHosts": lambda_labs_hosts,
    "mcp-fleet:components:Swarm": swarm,
    "mcp-fleet:hosts:LocalHost": host,
}
"""An example of each component by its type token. A token is part of every URN: it never changes."""
