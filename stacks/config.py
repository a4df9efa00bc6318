"""The configuration of a stack: everything under `mcp-fleet:` in its Pulumi.<stack>.yaml, as frozen models."""

import re
from collections.abc import Collection, Mapping
from typing import Annotated, Any, Literal

from pydantic import (
    AfterValidator,
    BeforeValidator,
    Field,
    ModelWrapValidatorHandler,
    PlainValidator,
    PrivateAttr,
    WithJsonSchema,
    model_validator,
)

from .catalog import read_entry
from .catalog_entry import Entry
from .config_model import ConfigModel, Label
from .esc_config import EscConfig
from .hosts_config import LOCAL, CloudHosts, parse_hosts
from .remote_config import AuthConfig, HeaderName, HeaderValue, arguments, references
from .signatures_config import SignerConfig
from .source import CATALOG_PREFIX, EXAMPLES, PATTERN, RemoteSource, Source, parse_source

PROJECT = "mcp-fleet"
OPERATOR = "operator"
"""The client that always exists: it may call every server and read Prometheus."""

COMPONENT_NAMES = frozenset(
    {
        "registry",
        "consul",
        "redis",
        "redis-exporter",
        "prometheus",
        "grafana",
        "gateway",
        "policy",
        "remote",
        "database",
    }
)
"""Names inside the fleet's network, and of images, that servers can't have."""

VARIABLE = r"^[A-Za-z_][A-Za-z0-9_]*$"
PLACE = r"^[a-z0-9]([a-z0-9_-]*[a-z0-9])?$"
MEBIBYTE = 1 << 20
_MEMORY = re.compile(r"(\d+(?:\.\d+)?)\s*([KMG])(?:i?B)?", re.IGNORECASE)
_MEMORY_UNITS = {"K": 1 << 10, "M": 1 << 20, "G": 1 << 30}


def parse_memory(value: object) -> int:
    """Return the bytes of `256M` or `1.5G` (binary units, as Docker reads them). Raises ValueError."""
    match = _MEMORY.fullmatch(value.strip()) if isinstance(value, str) else None
    if match is None:
        raise ValueError(f"{value!r} is no amount of memory; write for example 256M or 1.5G")
    return int(float(match[1]) * _MEMORY_UNITS[match[2].upper()])


def _text(value: object) -> object:
    """Let numbers and booleans stand where a text is meant, as people write them in YAML."""
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value) if isinstance(value, int | float) else value


def _variable_value(value: object) -> object:
    value = _text(value)
    if isinstance(value, str) and "{{" in value:
        raise ValueError("contains {{, which Docker Swarm would expand as a template; set it as a secret instead")
    return value


def _parse_tools(value: object) -> tuple[str, ...] | Literal["*"]:
    if value == "*":
        return "*"
    if isinstance(value, list | tuple) and value and all(isinstance(tool, str) and tool for tool in value):
        return tuple(value)
    raise ValueError('must be "*" (all tools) or a list of tool names')


def _parse_allowed_servers(value: object) -> object:
    return dict.fromkeys(value, "*") if isinstance(value, list) and all(isinstance(i, str) for i in value) else value


Memory = Annotated[
    int,
    BeforeValidator(parse_memory),
    Field(ge=32 * MEBIBYTE),
    WithJsonSchema({"type": "string", "pattern": r"^\d+(\.\d+)?\s*[KMGkmg]([iI]?[bB])?$", "examples": ["256M", "1G"]}),
]
SourceField = Annotated[
    Source,
    PlainValidator(parse_source),
    WithJsonSchema({"type": "string", "pattern": PATTERN, "examples": list(EXAMPLES)}),
]
Variable = Annotated[str, Field(pattern=VARIABLE)]
Text = Annotated[str, BeforeValidator(_text), WithJsonSchema({"type": ["string", "number", "boolean"]})]
VariableValue = Annotated[
    str, BeforeValidator(_variable_value), WithJsonSchema({"type": ["string", "number", "boolean"]})
]
FilePath = Annotated[str, Field(pattern=r"^(/[A-Za-z0-9_-][A-Za-z0-9._-]*)+$")]
FileText = Annotated[str, Field(min_length=1, max_length=500_000)]
"""As much as Swarm takes as one config."""
_TOOLS_SCHEMA = {"anyOf": [{"const": "*"}, {"type": "array", "items": {"type": "string"}, "minItems": 1}]}
Tools = Annotated[
    tuple[str, ...] | Literal["*"],
    PlainValidator(_parse_tools),
    WithJsonSchema(_TOOLS_SCHEMA),
]
AllowedServers = Annotated[
    dict[str, Tools] | None,
    BeforeValidator(_parse_allowed_servers),
    WithJsonSchema(
        {
            "anyOf": [
                {"type": "array", "items": {"type": "string"}},
                {"type": "object", "additionalProperties": _TOOLS_SCHEMA},
            ]
        }
    ),
]
Port = Annotated[int, Field(ge=1, le=65535)]
Hosts = Annotated[Literal["local"] | CloudHosts, PlainValidator(parse_hosts), WithJsonSchema({"const": LOCAL})]


OnToolChange = Literal["report", "quarantine"]


class ServerConfig(ConfigModel):
    """One MCP server. A plain source may stand in its place."""

    source: SourceField
    """Where its code comes from: pypi:NAME@VERSION[#command], npm:NAME@VERSION[#command], catalog:NAME, ./path, or
    oci:HOST/REPOSITORY[:TAG]@sha256:DIGEST#PROGRAM, a container image; or https://HOST/PATH, where a remote server
    answers. An entry of the catalog says the other keys too, unless they stand here."""
    headers: dict[HeaderName, HeaderValue] = Field(default={})
    """What a remote server is sent with each request, such as Authorization: "Bearer {LINEAR_API_KEY}", where the name
    in braces is a secret's."""
    auth: AuthConfig | None = None
    """How the fleet gets an access token for a remote server."""
    args: tuple[Text, ...] = ()
    """Arguments of its command."""
    env: dict[Variable, VariableValue] = Field(default={})
    """Plain environment variables. Secret ones belong into `mcp-fleet:secrets`."""
    secrets: tuple[Variable, ...] = ()
    """Variables that must be set in `mcp-fleet:secrets` for this server; it gets these and no others."""
    database: Variable | None = None
    """Variable in which it gets the connection string of a PostgreSQL database of its own, with pgvector, such as
    DATABASE_URL."""
    volume: bool = False
    """Give it a volume of its own at /data. Its releases then stop the old replica first."""
    files: dict[FilePath, FileText] = Field(default={})
    """Text files that it reads, such as its own configuration, by their paths in its container. No secrets."""
    packages: tuple[Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9+.-]+$")], ...] = ()
    """Debian packages that its image needs."""
    constraints: tuple[Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]*[<>=!~][^\s;]*$")], ...] = ()
    """Version constraints on what it depends on, such as pydantic<2.12. For pypi: and path sources."""
    install_scripts: bool = False
    """Let npm run the install scripts of the package and of what it depends on."""
    replicas: Annotated[int, Field(ge=1, le=100)] = 1
    """How many replicas run."""
    mode: Literal["auto", "isolated", "shared"] = "auto"
    """shared: one process for all clients of a replica. isolated: one for each session, as many as fit into its memory:
    two of a small Python server with 256M, eighteen with 1G. auto chooses by what the server declares."""
    workers: Annotated[int, Field(ge=1, le=64)] = 1
    """Processes of one replica among which the clients that share are divided. Each needs memory."""
    pool: Annotated[int, Field(ge=0, le=64)] = 1
    """Processes that an isolated replica keeps started for sessions to come."""
    cpu: Annotated[float, Field(ge=0.05, le=256)] = 1.0
    """Limit of one replica, in CPUs."""
    memory: Memory = 256 * MEBIBYTE
    """Limit of one replica, such as 256M."""
    concurrency: Annotated[int, Field(ge=1, le=100_000)] | None = None
    """Most calls that one replica works on at a time; more wait, by tier. 1000 when it is left out."""
    cache: bool = False
    """Keep lists, and answers of tools that are declared read-only and idempotent, for up to five minutes, for all
    replicas."""
    place: Annotated[str, Field(pattern=PLACE)] | None = None
    """Where its replicas run, in a stack on several machines: a cloud (aws, lambda_labs), machines with GPUs (gpu) or
    a group of machines. When it is left out: anywhere. Replicas are spread over clouds and zones."""
    start_seconds: Annotated[int, Field(ge=5, le=900)] = 60
    """How long a replica may take from start to its first list of tools."""
    on_tool_change: OnToolChange | None = None
    """What a tool that is not as tools.lock.json has it does, in place of the stack's `on-tool-change`."""
    _entry: Entry | None = PrivateAttr(default=None)

    @property
    def entry(self) -> Entry | None:
        """The entry of the catalog that it comes from."""
        return self._entry

    @property
    def remote(self) -> bool:
        """Whether it runs elsewhere, so that no image is built of it."""
        return isinstance(self.source, RemoteSource)

    @property
    def arguments(self) -> tuple[str, ...]:
        """What its command is told."""
        return (
            arguments(self.source.url, self.headers, self.auth) if isinstance(self.source, RemoteSource) else self.args
        )

    def with_referenced_secrets(self) -> "ServerConfig":
        """Return it with the secrets that its headers and `auth` refer to among its secrets."""
        known = {*self.secrets, *self.env}
        more = [name for name in dict.fromkeys(references(self.headers, self.auth)) if name not in known]
        return self.model_copy(update={"secrets": (*self.secrets, *more)}) if more else self

    def with_secrets(self, given: Collection[str]) -> "ServerConfig":
        """Return it with those of the secrets `given` that its entry of the catalog knows."""
        known = [] if self.entry is None else [variable.name for variable in self.entry.variables if variable.is_secret]
        more = [name for name in known if name in given and name not in self.secrets]
        return self.model_copy(update={"secrets": (*self.secrets, *more)}) if more else self

    @model_validator(mode="wrap")
    @classmethod
    def _with_entry(cls, line: object, handler: ModelWrapValidatorHandler["ServerConfig"]) -> "ServerConfig":
        """Fill in what the line leaves to the catalog."""
        if not isinstance(line, dict) or not str(source := line.get("source")).startswith(CATALOG_PREFIX):
            return handler(line).with_referenced_secrets()
        entry = read_entry(str(source).removeprefix(CATALOG_PREFIX))
        server = handler(entry.with_line(line)).with_referenced_secrets()
        server._entry = entry  # noqa: SLF001 - it is one of ours
        return server


class TierConfig(ConfigModel):
    """What every client of a tier gets."""

    rpm: Annotated[int, Field(ge=1)] | None
    """Requests per minute; null is unlimited."""
    priority: Annotated[int, Field(ge=0, le=999)] | None = None
    """Place in a server's queue; more goes first. Left out: free 0, pro 10, enterprise 20, and 0 for other tiers."""


class ClientConfig(ConfigModel):
    """One client, with an API key of its own."""

    tier: str = "free"
    """The tier whose limits hold for it."""
    rpm: Annotated[int, Field(ge=1)] | None = None
    """Requests per minute, in place of the tier's."""
    servers: AllowedServers = None
    """The servers it may call: a list, or tools by server ("*" for all tools). All servers when it is left out."""


DEFAULT_TIERS = {
    "free": TierConfig(rpm=60, priority=0),
    "pro": TierConfig(rpm=600, priority=10),
    "enterprise": TierConfig(rpm=None, priority=20),
}


def _with_defaults(tiers: dict[str, TierConfig]) -> dict[str, TierConfig]:
    """Add the default tiers, and the priority where it is left out."""
    found = DEFAULT_TIERS | tiers
    usual = {name: tier.priority for name, tier in DEFAULT_TIERS.items()}
    return {
        name: tier if tier.priority is not None else tier.model_copy(update={"priority": usual.get(name, 0)})
        for name, tier in found.items()
    }


class StackConfig(ConfigModel):
    """Everything a stack is."""

    hosts: Hosts = "local"
    """Where it runs: local is the Docker engine of this machine."""
    port: Port = 8080
    """Port of the gateway on the host."""
    registry_port: Port = 5000
    """Port of the image registry on the host."""
    grafana_port: Port | None = None
    """Port of Grafana on the host. Without it, or where its image can't be had, there is no Grafana."""
    otlp_endpoint: Annotated[str, Field(pattern=r"^http://[A-Za-z0-9.-]+(:[0-9]{1,5})?$")] | None = None
    """OTLP receiver for traces of calls, as containers reach it: http://collector:4318. No traces without it."""
    protect: bool = False
    """Protect what holds data, such as volumes: while it stands here, no change and no destroy deletes that."""
    on_tool_change: OnToolChange = "report"
    """What a tool that is new, missing or other than tools.lock.json has it does: report tells of it; quarantine ends
    the replica's service before a client sees it, so that a release with such a tool is rolled back."""
    require_locks: bool = False
    """Refuse a server of PyPI or npm whose package has no lock in locks/: what it installs would be found out when it
    is built."""
    signatures: tuple[SignerConfig, ...] = ()
    """Who signs which container images (oci: sources). An image that one of them is to sign is refused without a good
    signature of one of them, by cosign, before anything is changed."""
    require_signatures: bool = False
    """Refuse a container image that nobody under `signatures` signs."""
    builder: str | None = None
    """Name of the buildx builder; BUILDX_BUILDER or mcp-fleet when it is left out."""
    servers: dict[Label, ServerConfig] = Field(default={})
    """The servers by name. The name is part of the URL."""
    clients: dict[Label, ClientConfig] = Field(default={})
    """The clients by name."""
    tiers: Annotated[dict[Label, TierConfig], AfterValidator(_with_defaults)] = DEFAULT_TIERS
    """Limits by tier, besides the defaults free (60 per minute), pro (600) and enterprise (unlimited)."""
    esc: EscConfig | None = None
    """Environment of Pulumi ESC with more secrets, for a stack whose state is not in Pulumi Cloud. One whose state is
    there has `environment:` for it."""
    secrets: dict[str, frozenset[str]] = Field(default={})
    """Names of the secret variables that are set, by server. Values never reach this model."""

    @model_validator(mode="after")
    def _with_secrets_that_are_set(self) -> "StackConfig":
        return self.with_optional_secrets(self.secrets)

    def with_optional_secrets(self, given: Mapping[str, Collection[str]]) -> "StackConfig":
        """Return it with those of the secrets `given`, by server, that a server's entry knows among the server's."""
        servers = {name: server.with_secrets(given.get(name, ())) for name, server in self.servers.items()}
        return self.model_copy(update={"servers": servers})


def with_shorthand(raw: dict[str, Any]) -> dict[str, Any]:
    """Return `raw` with each server that is written as a plain source turned into its long form."""
    servers = raw.get("servers")
    if not isinstance(servers, dict):
        return raw
    long_form = {name: entry if isinstance(entry, dict) else {"source": entry} for name, entry in servers.items()}
    return {**raw, "servers": long_form}
