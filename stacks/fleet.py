"""What a fleet is made of: the components, and how they hang together."""

import json
import os
from collections.abc import Container, Mapping
from dataclasses import dataclass
from typing import Any

import pulumi
import yaml
from mcp_wire.token import cache_audience, database_audience, derive, server_audience

from components.consul import Consul, ConsulArgs
from components.fleet import Fleet
from components.gateway import Gateway, GatewayArgs
from components.image import BaseImages, BuiltImage, ServerImageArgs
from components.monitoring import Monitoring, MonitoringArgs
from components.postgres import Postgres, PostgresArgs
from components.redis import Redis, RedisArgs
from components.remote_image import COMMAND as REMOTE_COMMAND
from components.remote_image import RemoteImage, RemoteImageArgs
from components.server import McpServer, McpServerArgs, SharedCache
from components.swarm_service import Limits

from .config import OPERATOR, ServerConfig, StackConfig
from .load import Stack
from .local_site import local_site
from .server_image import BUILDER_VARIABLE, DEFAULT_BUILDER, REMOTE, server_image_args
from .site import Site, constraints, password
from .tools import check_tools

NAMES = "names"
"""Audience of the key under which the contents of secrets are hashed into their public names."""


@dataclass(frozen=True, kw_only=True)
class Exports:
    """What the program exports.

    Attributes:
        tokens: a secret; an API key for each client and for the operator.
        managers: a secret; see Site.
    """

    gateway: str
    urls: Mapping[str, str]
    tokens: pulumi.Output[dict[str, str]]
    managers: pulumi.Output[Mapping[str, Any]] | None = None


@dataclass(frozen=True, kw_only=True)
class _Foundation:
    """What all components of one fleet share."""

    stack: Stack
    images: Mapping[str, str]
    builder: str
    site: Site
    consul: pulumi.Output[str]
    redis: pulumi.Output[str]
    database: Postgres | None
    master: pulumi.Output[str]

    @property
    def bases(self) -> BaseImages:
        return BaseImages(python=self.images["python"], node=self.images["node"])

    @property
    def built(self) -> pulumi.ResourceOptions:
        """Options of components that push images."""
        return pulumi.ResourceOptions.merge(
            options(self.site), pulumi.ResourceOptions(depends_on=list(self.site.first))
        )

    def server_options(self, server: ServerConfig) -> pulumi.ResourceOptions:
        """Return the options of a server: one with a database follows it."""
        database = [self.database] if self.database and server.database else []
        return pulumi.ResourceOptions.merge(self.built, pulumi.ResourceOptions(depends_on=database))


def build_fleet(stack: Stack, images: Mapping[str, str], engine: str) -> Exports:
    """Declare all resources of `stack`.

    Arguments:
        images: what a fleet starts from, with digests.
        engine: address of the Docker engine of a stack that runs on this machine; else it is not used.
    """
    config = stack.config
    foundation = _foundation(stack, images, engine)
    site = foundation.site
    tokens = {name: password(f"key-{name}", length=40) for name in sorted({OPERATOR, *config.clients})}
    Gateway(
        "gateway",
        GatewayArgs(
            fleet=site.fleet,
            bases=foundation.bases,
            registry=site.registries["gateway"],
            builder=foundation.builder,
            version=site.tags.get("gateway", "current"),
            platforms=site.platforms,
            port=config.port,
            replicas=site.gateways,
            notice_seconds=site.notice_seconds,
            constraints=site.entrances,
            spread=site.spread,
            consul=foundation.consul,
            otlp=config.otlp_endpoint,
            policy=policy(config),
            keys={name: [token.result] for name, token in tokens.items()},
            master=foundation.master,
        ),
        opts=foundation.built,
    )
    remote = _remote_image(foundation)
    urls = {name: f"{site.url}/{name}/mcp" for name in config.servers}
    for name, server in config.servers.items():
        outputs = McpServer(
            name, _server_args(name, server, foundation, remote), opts=foundation.server_options(server)
        ).outputs
        check_tools(stack, name, urls[name], tokens[OPERATOR].result, outputs.image, outputs.service_id)
    return Exports(
        gateway=site.url,
        urls=urls,
        tokens=pulumi.Output.secret(pulumi.Output.all(**{name: token.result for name, token in tokens.items()})),
        managers=site.managers,
    )


def options(site: Site) -> pulumi.ResourceOptions:
    """Return the options of components that run at a site."""
    return pulumi.ResourceOptions(providers=[site.provider], deleted_with=site.goes_with)


def policy(config: StackConfig) -> str:
    """Return the policy service's JSON: what each client may do."""
    clients = {
        name: {
            "rpm": client.rpm if client.rpm is not None else config.tiers[client.tier].rpm,
            "tier": client.tier,
            "priority": config.tiers[client.tier].priority,
            "servers": "*" if client.servers is None else dict(client.servers),
        }
        for name, client in config.clients.items()
    }
    return json.dumps({"clients": clients}, sort_keys=True, indent=1)


def _foundation(stack: Stack, images: Mapping[str, str], engine: str) -> _Foundation:
    config = stack.config
    master = password("master", length=48).result
    site = _site(stack, images, engine, master.apply(lambda secret: derive(secret, NAMES)))
    opts = options(site)
    consul = Consul("consul", ConsulArgs(fleet=site.fleet, image=images["consul"]), opts=opts)
    redis = _redis(config, images, site.fleet, master, opts)
    _monitoring(stack, images, site, opts)
    return _Foundation(
        stack=stack,
        images=images,
        builder=config.builder or os.environ.get(BUILDER_VARIABLE) or DEFAULT_BUILDER,
        site=site,
        consul=consul.outputs.url,
        redis=redis.outputs.address,
        database=_database(config, images, site.fleet, master, opts),
        master=master,
    )


def _site(stack: Stack, images: Mapping[str, str], engine: str, name_key: pulumi.Output[str]) -> Site:
    if stack.config.hosts == "local":
        return local_site(stack, engine, images["registry"], name_key)
    # Not at the top: the SDK of AWS takes longer to import than all the rest.
    from .aws_site import aws_site

    return aws_site(stack, stack.config.hosts, images, name_key)


def _redis(
    config: StackConfig,
    images: Mapping[str, str],
    fleet: Fleet,
    master: pulumi.Output[str],
    opts: pulumi.ResourceOptions,
) -> Redis:
    return Redis(
        "redis",
        RedisArgs(
            fleet=fleet,
            image=images["redis"],
            exporter_image=images["redis-exporter"],
            servers={name: _cache_password(master, name) for name, server in config.servers.items() if server.cache},
        ),
        opts=opts,
    )


def _database(
    config: StackConfig,
    images: Mapping[str, str],
    fleet: Fleet,
    master: pulumi.Output[str],
    opts: pulumi.ResourceOptions,
) -> Postgres | None:
    """Make the PostgreSQL of the servers that ask for a database, if there are any."""
    servers = [name for name, server in config.servers.items() if server.database]
    if not servers:
        return None
    passwords = {name: _database_password(master, name) for name in servers}
    return Postgres("database", PostgresArgs(fleet=fleet, image=images["postgres"], servers=passwords), opts=opts)


def _database_password(master: pulumi.Output[str], server: str) -> pulumi.Output[str]:
    return master.apply(lambda secret: derive(secret, database_audience(server)))


def _cache_password(master: pulumi.Output[str], server: str) -> pulumi.Output[str]:
    return master.apply(lambda secret: derive(secret, cache_audience(server)))


def _monitoring(stack: Stack, images: Mapping[str, str], site: Site, opts: pulumi.ResourceOptions) -> None:
    monitoring = stack.root / "monitoring"
    jobs = (monitoring / "prometheus.yml").read_text(encoding="utf-8")
    Monitoring(
        "monitoring",
        MonitoringArgs(
            fleet=site.fleet,
            prometheus_image=images["prometheus"],
            prometheus_config=without_jobs(jobs, site.absent) if site.absent else jobs,
            dashboard=(monitoring / "overview.json").read_text(encoding="utf-8"),
            grafana_image=images.get("grafana") if stack.config.grafana_port else None,
            grafana_port=stack.config.grafana_port or 0,
        ),
        opts=opts,
    )


def without_jobs(config: str, names: Container[str]) -> str:
    """Return Prometheus' configuration without the jobs of these names: their targets would be down for ever."""
    document = yaml.safe_load(config)
    jobs = [job for job in document["scrape_configs"] if job["job_name"] not in names]
    return yaml.safe_dump({**document, "scrape_configs": jobs}, sort_keys=False)


def _remote_image(foundation: _Foundation) -> BuiltImage | None:
    """The image of all remote servers; None in a stack that has none."""
    site = foundation.site
    if REMOTE not in site.registries:
        return None
    args = RemoteImageArgs(
        version=site.tags.get(REMOTE, "current"),
        bases=foundation.bases,
        registry=site.registries[REMOTE],
        builder=foundation.builder,
        platforms=site.platforms,
    )
    ref = RemoteImage(REMOTE, args, opts=foundation.built).outputs.ref
    return BuiltImage(ref=ref, command=REMOTE_COMMAND)


def _image(name: str, server: ServerConfig, foundation: _Foundation) -> ServerImageArgs:
    return server_image_args(
        server,
        foundation.stack.root,
        bases=foundation.bases,
        registry=foundation.site.registries[name],
        builder=foundation.builder,
        tag=foundation.site.tags.get(name, ""),
        platforms=foundation.site.platforms,
    )


def _server_args(name: str, server: ServerConfig, foundation: _Foundation, remote: BuiltImage | None) -> McpServerArgs:
    """`remote` is the image of remote servers."""
    stack = foundation.stack
    return McpServerArgs(
        fleet=foundation.site.fleet,
        image=remote if server.remote and remote else _image(name, server, foundation),
        arguments=server.arguments,
        environment=server.env,
        secrets={
            **{variable: _secret(stack, name, variable) for variable in sorted(server.secrets)},
            **_database_variable(name, server, foundation.database),
        },
        files=server.files,
        volume=server.volume,
        mode=server.mode,
        workers=server.workers,
        pool=server.pool,
        gateway_token=foundation.master.apply(lambda master: derive(master, server_audience(name))),
        consul=foundation.consul,
        otlp=stack.config.otlp_endpoint,
        limits=Limits(nano_cpus=round(server.cpu * 1_000_000_000), memory_bytes=server.memory),
        replicas=server.replicas,
        concurrency=server.concurrency,
        cache=server.cache,
        shared_cache=SharedCache(address=foundation.redis, password=_cache_password(foundation.master, name)),
        constraints=constraints(server.place),
        spread=() if server.volume else foundation.site.spread,
        start_seconds=server.start_seconds,
        reviewed_tools=stack.reviewed_tools.get(name),
        on_tool_change=server.on_tool_change or stack.config.on_tool_change,
    )


def _database_variable(name: str, server: ServerConfig, database: Postgres | None) -> dict[str, pulumi.Output[str]]:
    """Return the variable with the connection string of a server's database, where it has one."""
    if database is None or server.database is None:
        return {}
    return {server.database: database.outputs.urls.apply(lambda urls: urls[name])}


def _secret(stack: Stack, server: str, variable: str) -> pulumi.Output[str]:
    return stack.secrets.apply(lambda secrets: secrets[server][variable])
