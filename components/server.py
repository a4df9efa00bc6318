"""One MCP server: its image, its secrets, and its replicas under the bridge."""

import hashlib
import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

import pulumi
from mcp_wire.result_cache import user

from .fleet import Fleet, data_volume
from .image import BuiltImage, ServerImage, ServerImageArgs
from .image_layout import PORT
from .swarm_files import MountedFile, ServiceFiles, content_name
from .swarm_service import Limits, SwarmService, swarm_service

USER = "10001:10001"
DRAIN_SECONDS = 10
STOP_SECONDS = 30
_DATA = "/data"
_SECRETS = "/run/secrets/server"
_GATEWAY_TOKEN = "/run/secrets/gateway-token"  # noqa: S105 - a path
_REVIEWED_TOOLS = "/etc/mcp-fleet/reviewed-tools.json"
_CACHE_PASSWORD = "/run/secrets/cache-password"  # noqa: S105 - a path


Mode = Literal["auto", "isolated", "shared"]
OnToolChange = Literal["report", "quarantine"]


@dataclass(frozen=True, kw_only=True)
class SharedCache:
    """The Redis in which a server's replicas share results: its address (host:port), and their password there."""

    address: pulumi.Input[str]
    password: pulumi.Input[str]


@dataclass(frozen=True, kw_only=True)
class McpServerArgs:
    """Arguments of McpServer.

    Arguments:
        image: how the image is built, or which one there is; the command that it must have is what runs.
        arguments: what the command gets.
        environment: plain variables of the command.
        secrets: secret variables of the command, by name. Nobody else can read them.
        files: text files that the command reads, by absolute path.
        gateway_token: what the gateway shows to this server alone.
        consul: URL of the Consul where the replicas register.
        otlp: URL of the OTLP receiver for traces; None for no traces.
        mode: what a replica's clients share: auto, isolated or shared. With a volume, auto is shared.
        workers: processes of a replica that serve everybody.
        pool: processes that an isolated replica keeps started for sessions to come.
        volume: keep /data, and stop the old replica before a new one starts.
        concurrency: most calls that a replica works on at a time, None for the bridge's own default.
        cache: whether each replica keeps results that serve again.
        shared_cache: where replicas share what they keep; None for nowhere. Without `cache` it is not used.
        constraints: which hosts may run it, such as `node.labels.place == aws`; all of them where there is none.
        spread: see SwarmService.
        start_seconds: how long a replica may take to its first list of tools.
        reviewed_tools: hash of each tool that was reviewed, by name; None where nobody did.
        on_tool_change: what a tool that is not among these, or missing, does to a replica: report or quarantine.
    """

    fleet: Fleet

    # program
    image: ServerImageArgs | BuiltImage
    arguments: Sequence[pulumi.Input[str]] = ()
    environment: Mapping[str, pulumi.Input[str]]
    secrets: Mapping[str, pulumi.Input[str]]
    files: Mapping[str, pulumi.Input[str]] = field(default_factory=dict)
    volume: bool = False
    mode: Mode = "auto"
    workers: int = 1
    pool: int = 1

    # fleet
    gateway_token: pulumi.Input[str]
    consul: pulumi.Input[str]
    otlp: str | None = None

    # sizes
    limits: Limits
    replicas: int = 1
    concurrency: int | None = None
    cache: bool = False
    shared_cache: SharedCache | None = None
    constraints: Sequence[str] = ()
    spread: Sequence[str] = ()
    start_seconds: int = 60

    # review
    reviewed_tools: Mapping[str, str] | None = None
    on_tool_change: OnToolChange = "report"


@dataclass(frozen=True, kw_only=True)
class McpServerOutputs:
    """`image`: repository:tag@digest of what runs. `service_id`: id of the Swarm service."""

    image: pulumi.Output[str]
    service_id: pulumi.Output[str]


class McpServer(pulumi.ComponentResource):
    """A Swarm service whose replicas each run the bridge and, as its child, the server's command."""

    def __init__(self, name: str, args: McpServerArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("mcp-fleet:components:McpServer", name, {}, opts)
        image = self._image(name, args.image)
        layout = args.image.layout
        service = swarm_service(
            SwarmService(
                fleet=args.fleet,
                name=name,
                kind="server",
                image=image,
                command=(
                    *layout.bridge,
                    "--",
                    pulumi.Output.concat(layout.commands, args.image.command),
                    *args.arguments,
                ),
                user=USER,
                limits=args.limits,
                health=layout.health,
                environment={
                    **args.environment,
                    **bridge_environment(name, args),
                    **cache_environment(name, args, image),
                },
                secrets=self._secrets(name, args),
                configs=self._configs(name, args),
                volumes=self._volumes(name, args),
                replicas=args.replicas,
                constraints=args.constraints,
                spread=args.spread,
                start_seconds=container_start_seconds(args.start_seconds),
                stop_seconds=STOP_SECONDS,
                start_first=not args.volume,
            ),
            parent=self,
        )
        self.outputs = McpServerOutputs(image=image, service_id=service.id)
        self.register_outputs(vars(self.outputs))

    def _image(self, name: str, image: ServerImageArgs | BuiltImage) -> pulumi.Output[str]:
        if isinstance(image, BuiltImage):
            return pulumi.Output.from_input(image.ref)
        return ServerImage(name, image, opts=pulumi.ResourceOptions(parent=self)).outputs.ref

    def _secrets(self, name: str, args: McpServerArgs) -> list[MountedFile]:
        files = ServiceFiles(parent=self, fleet=args.fleet, owner=name, user=USER)
        shared = args.shared_cache if args.cache else None
        return [
            files.secret("gateway-token", args.gateway_token, _GATEWAY_TOKEN),
            *([] if shared is None else [files.secret("cache-password", shared.password, _CACHE_PASSWORD)]),
            *(
                # The bridge takes one line feed off the end, so that a value that ends in one keeps it.
                files.secret(variable, pulumi.Output.concat(args.secrets[variable], "\n"), f"{_SECRETS}/{variable}")
                for variable in sorted(args.secrets)
            ),
        ]

    def _configs(self, name: str, args: McpServerArgs) -> list[MountedFile]:
        files = ServiceFiles(parent=self, fleet=args.fleet, owner=name, user=USER)
        own = [files.config(_file_name(path), args.files[path], path) for path in sorted(args.files)]
        if args.reviewed_tools is None:
            return own
        reviewed = json.dumps(dict(args.reviewed_tools), sort_keys=True)
        return [*own, files.config("reviewed-tools", reviewed, _REVIEWED_TOOLS)]

    def _volumes(self, name: str, args: McpServerArgs) -> dict[str, pulumi.Input[str]]:
        if not args.volume:
            return {}
        return {_DATA: data_volume(name, args.fleet, self).name}


def container_start_seconds(start_seconds: int) -> int:
    """Return how long a replica's container may take: a child that falls silent is started again, with all its time.

    The bridge notices that after a sixth of the time that a child has, or five seconds.
    """
    return start_seconds + max(math.ceil(start_seconds / 6), 5)


def _file_name(path: str) -> str:
    """Return what a file is called among the server's resources: /a/b and /a-b are two of them."""
    return f"file-{hashlib.sha256(path.encode()).hexdigest()[:8]}"


def bridge_environment(name: str, args: McpServerArgs) -> dict[str, pulumi.Input[str]]:
    """Return the bridge's own settings; Swarm fills in the templates. The bridge keeps them from its child."""
    return {
        "MCP_BRIDGE_NAME": name,
        "MCP_BRIDGE_PORT": str(PORT),
        "MCP_BRIDGE_HOST": "0.0.0.0",  # noqa: S104 - the container's own network is the boundary
        "MCP_BRIDGE_CONSUL": args.consul,
        "MCP_BRIDGE_SLOT": "{{.Task.Slot}}",
        "MCP_BRIDGE_TASK": "{{.Task.ID}}",
        "MCP_BRIDGE_GATEWAY_TOKEN_FILE": _GATEWAY_TOKEN,
        "MCP_BRIDGE_DRAIN_SECONDS": str(DRAIN_SECONDS),
        "MCP_BRIDGE_START_SECONDS": str(args.start_seconds),
        **_process_settings(args),
        **_review_settings(args),
        **({} if args.otlp is None else {"MCP_BRIDGE_OTLP_ENDPOINT": args.otlp}),
        **({} if args.concurrency is None else {"MCP_BRIDGE_MAX_CONCURRENT": str(args.concurrency)}),
        # Docker makes the folder with the first secret in it, and the bridge insists on one it was told of.
        **({"MCP_BRIDGE_SECRETS_DIR": _SECRETS} if args.secrets else {}),
    }


def cache_environment(name: str, args: McpServerArgs, image: pulumi.Input[str]) -> dict[str, pulumi.Input[str]]:
    """Return the settings of the bridge's cache. `image` is what runs."""
    if not args.cache:
        return {}
    if args.shared_cache is None:
        return {"MCP_BRIDGE_CACHE": "memory"}
    return {
        "MCP_BRIDGE_CACHE": "memory",
        "MCP_BRIDGE_CACHE_REDIS": pulumi.Output.concat("redis://", user(name), "@", args.shared_cache.address),
        "MCP_BRIDGE_CACHE_REDIS_PASSWORD_FILE": _CACHE_PASSWORD,
        "MCP_BRIDGE_CACHE_RELEASE": _release(args, image),
    }


def _release(args: McpServerArgs, image: pulumi.Input[str]) -> pulumi.Output[str]:
    """Return a name of all that decides what the server answers. Only who has the fleet's key can compute it."""
    files = [dict(args.files)] if args.files else []
    parts = pulumi.Output.all(
        args.fleet.name_key,
        pulumi.Output.json_dumps([image, list(args.arguments), dict(args.environment), dict(args.secrets), *files]),
    )
    return pulumi.Output.unsecret(parts.apply(lambda values: content_name("release", values[1], values[0])))


def _review_settings(args: McpServerArgs) -> dict[str, str]:
    """Return what is not the bridge's default."""
    return {
        **({} if args.reviewed_tools is None else {"MCP_BRIDGE_REVIEWED_TOOLS": _REVIEWED_TOOLS}),
        **({} if args.on_tool_change == "report" else {"MCP_BRIDGE_ON_TOOL_CHANGE": args.on_tool_change}),
    }


def _process_settings(args: McpServerArgs) -> dict[str, str]:
    """Return what is not the bridge's default. Several processes must not write the same volume."""
    mode = "shared" if args.volume and args.mode == "auto" else args.mode
    return {
        **({} if mode == "auto" else {"MCP_BRIDGE_MODE": mode}),
        **({} if args.workers == 1 else {"MCP_BRIDGE_WORKERS": str(args.workers)}),
        **({} if args.pool == 1 else {"MCP_BRIDGE_POOL": str(args.pool)}),
    }
