"""One server of the catalog: the MCP registry's server.json, with what the fleet has to know besides under `_meta`.

Source: https://static.modelcontextprotocol.io/schemas/2025-12-11/server.schema.json (a copy is in catalog/schema).
"""

import json
import re
import shlex
from collections.abc import Mapping
from typing import Annotated, Any, Literal

from packaging.licenses import InvalidLicenseExpression, canonicalize_license_expression
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator
from pydantic.alias_generators import to_camel

from .source import parse_source


def _spdx(text: str) -> str:
    try:
        return canonicalize_license_expression(text)
    except InvalidLicenseExpression as error:
        raise ValueError(f"{text!r} is no SPDX licence; write for example MIT or Apache-2.0") from error


def _pattern(text: str) -> str:
    try:
        re.compile(text)
    except re.error as error:
        raise ValueError(f"{text!r} is no regular expression: {error}") from error
    return text


class _Model(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, alias_generator=to_camel, use_attribute_docstrings=True)


class Input(_Model):
    """A value that a server needs."""

    description: Annotated[str, Field(min_length=1)]
    """What it is for, and where its value comes from."""
    is_required: bool = False
    is_secret: bool = False
    format: Literal["string", "number", "boolean", "filepath"] = "string"
    default: str | None = None
    """What it is set to unless the stack says otherwise."""
    placeholder: str | None = None
    """What a value looks like."""
    choices: tuple[str, ...] = ()


class Variable(Input):
    """An environment variable of a server, or what a header of a remote server is made of."""

    name: str


class Argument(_Model):
    """An argument that the command always gets."""

    type: Literal["positional", "named"]
    name: str | None = None
    """The flag, dashes and all, of a named one."""
    value: str | None = None
    description: str | None = None

    @model_validator(mode="after")
    def _complete(self) -> "Argument":
        if (self.type == "named") == (self.name is None) or (self.type == "positional" and self.value is None):
            raise ValueError("a positional argument has a value and no name, a named one has a name")
        return self


class Transport(_Model):
    """How the package speaks: the bridge serves what speaks over stdin and stdout."""

    type: Literal["stdio"]


class Package(_Model):
    """The package that the server is."""

    registry_type: Literal["pypi", "npm", "path"]
    """`path` is code of our own: `identifier` is its folder."""
    identifier: str
    version: str
    transport: Transport
    package_arguments: tuple[Argument, ...] = ()
    environment_variables: tuple[Variable, ...] = ()


class Header(_Model):
    """What a remote server is sent with each request; `{NAME}` in its value is one of the variables."""

    name: str
    value: str
    description: str | None = None
    is_required: bool = False
    is_secret: bool = False
    variables: dict[str, Input] = Field(default={})


class Remote(_Model):
    """Where a remote server answers."""

    type: Literal["streamable-http"]
    url: str
    headers: tuple[Header, ...] = ()


class Repository(_Model):
    """Where the source code is."""

    url: str
    source: str
    subfolder: str | None = None


class Call(_Model):
    """A call of a tool."""

    tool: str
    arguments: dict[str, str | int | float | bool] = Field(default={})

    @property
    def shell_words(self) -> str:
        """Tool and arguments as `fleet call SERVER` takes them."""
        return f"{self.tool} {shlex.quote(json.dumps(self.arguments))}" if self.arguments else self.tool


class Extension(_Model):
    """What server.json has no words for."""

    origin: Literal["official", "reference", "community", "own"]
    """Who makes it: the vendor of what it connects to, the MCP project, somebody else, or we."""
    archived: bool = False
    """Nobody works on it any more."""
    license: Annotated[str, AfterValidator(_spdx)]
    """SPDX expression."""
    access: Literal["read-only", "read-write"]
    """What its tools can do, unless a variable or the rights of its credentials narrow that."""
    egress: tuple[str, ...] = ()
    """Hosts that it talks to. `{VARIABLE}` is the host that this variable names."""
    command: str | None = None
    """The command to run, where it isn't named as the package, or the only one."""
    constraints: tuple[str, ...] = ()
    """Version constraints on what it depends on, without which it does not start."""
    system_packages: tuple[str, ...] = ()
    """Debian packages that its image needs."""
    files: dict[str, str] = Field(default={})
    """Text files that it reads, by their paths in its container."""
    volume: bool = False
    database: str | None = None
    """The variable in which it gets a database of the stack's, unless its line says `database: null`."""
    mode: Literal["auto", "isolated", "shared"] = "auto"
    memory: str = "512M"
    start_seconds: int | None = None
    patterns: dict[str, Annotated[str, AfterValidator(_pattern)]] = Field(default={})
    """Regular expressions that the values of variables match as a whole."""
    starts_only_with: str | None = None
    """What must answer before it starts."""
    notes: str | None = None
    """What to know before using or upgrading it."""
    people_only: bool = False
    """A remote server that lets in people who log in, and no machines: a fleet can't use it."""
    health_call: Call | None = None
    """A cheap call, which changes nothing, that shows whether it is configured well."""


class _Meta(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    extension: Extension = Field(alias="io.github.mcp-fleet/entry")


class Entry(_Model):
    """A server of the catalog."""

    schema_uri: str = Field(alias="$schema")
    name: Annotated[str, Field(pattern=r"^io\.github\.mcp-fleet/[a-z0-9-]+$")]
    title: str
    description: Annotated[str, Field(min_length=1, max_length=100)]
    version: str
    website_url: str | None = None
    """Its own, unless its code is ours."""
    repository: Repository | None = None
    packages: Annotated[tuple[Package, ...], Field(max_length=1)] = ()
    remotes: Annotated[tuple[Remote, ...], Field(max_length=1)] = ()
    meta: _Meta = Field(alias="_meta")

    @model_validator(mode="after")
    def _consistent(self) -> "Entry":
        if len(self.packages) + len(self.remotes) != 1:
            raise ValueError("a server is one package, or one remote; keep one of both")
        if self.package and self.version != self.package.version:
            raise ValueError(f"version {self.version} is not its package's {self.package.version}; make them one")
        if self.website_url is None and not self.is_own_code:
            raise ValueError("websiteUrl is missing; only code of our own has none")
        if self.is_own_code and not self.source.startswith("./"):
            raise ValueError(f"{self.source} is no folder of ours; write for example ./servers/notes")
        parse_source(self.source)
        unknown = self.extension.patterns.keys() - {variable.name for variable in self.variables}
        if unknown:
            raise ValueError(f"patterns are there for unknown variables: {', '.join(sorted(unknown))}")
        return self

    @property
    def label(self) -> str:
        """Its name in the catalog, and of its file."""
        return self.name.rsplit("/", 1)[-1]

    @property
    def package(self) -> Package | None:
        """Its package; None for a remote server."""
        return self.packages[0] if self.packages else None

    @property
    def variables(self) -> tuple[Variable, ...]:
        """The variables that it knows."""
        if self.package:
            return self.package.environment_variables
        named = {name: given for header in self.remotes[0].headers for name, given in header.variables.items()}
        return tuple(Variable(**{"name": name, **given.model_dump(by_alias=True)}) for name, given in named.items())

    @property
    def extension(self) -> Extension:
        """Our own fields."""
        return self.meta.extension

    @property
    def is_own_code(self) -> bool:
        """Whether its code is in this repository."""
        return self.package is not None and self.package.registry_type == "path"

    @property
    def source(self) -> str:
        """Its source, as a stack's line would have it."""
        if self.package is None:
            return self.remotes[0].url
        if self.is_own_code:
            return self.package.identifier
        command = f"#{self.extension.command}" if self.extension.command else ""
        return f"{self.package.registry_type}:{self.package.identifier}@{self.package.version}{command}"

    @property
    def required_secrets(self) -> tuple[str, ...]:
        """The secret variables without which it is of no use; not the one that the stack's database fills in."""
        return self._required_secrets(self.extension.database)

    def variable(self, name: str) -> Variable | None:
        """Return the variable of this name, or None where it has none."""
        return next((variable for variable in self.variables if variable.name == name), None)

    def fits(self, variable: str, value: str) -> bool:
        """Return whether `value` has the form that this variable's values have."""
        pattern = self.extension.patterns.get(variable)
        return pattern is None or re.fullmatch(pattern, value) is not None

    def form(self, variable: str) -> str:
        """Return how a value of this variable looks, for messages."""
        known = self.variable(variable)
        return (known.placeholder if known else None) or self.extension.patterns[variable]

    def with_line(self, line: dict[str, Any]) -> dict[str, Any]:
        """Return the keys of a server in the stack config: this entry's, unless its `line` there has its own.

        Raises ValueError where no fleet can use it.
        """
        extension = self.extension
        if extension.people_only:
            raise ValueError(
                f"{self.source} lets in people who log in, and no machines: each adds it to their own client. "
                f"{extension.notes or ''}".rstrip()
            )
        if self.package is None:
            return self._with_remote_line(line)
        database = line.get("database", extension.database)
        own = {
            "args": [*_words(self.package.package_arguments)],
            "secrets": list(self._required_secrets(database)),
            "database": database,
            "packages": list(extension.system_packages),
            "constraints": list(extension.constraints),
            "volume": extension.volume,
            "mode": extension.mode,
            "memory": extension.memory,
            **({} if extension.start_seconds is None else {"start-seconds": extension.start_seconds}),
        }
        env = {variable.name: variable.default for variable in self.variables if variable.default is not None}
        merged = {"env": _merged(env, line.get("env", {})), "files": _merged(extension.files, line.get("files", {}))}
        return {**own, **line, **merged, "source": self.source}

    def _required_secrets(self, database: object) -> tuple[str, ...]:
        """Return the secret variables that must be set where the variable `database` gets a database of the stack's."""
        required = (variable.name for variable in self.variables if variable.is_required and variable.is_secret)
        return tuple(name for name in required if name != database)

    def _with_remote_line(self, line: dict[str, Any]) -> dict[str, Any]:
        sent = {header.name: header.value for header in self.remotes[0].headers if header.is_required}
        own = {"memory": self.extension.memory}
        return {**own, **line, "headers": _merged(sent, line.get("headers", {})), "source": self.source}


def _merged(own: Mapping[str, str], lines: object) -> object:
    """Return `own` with what the line has; what is no mapping is for the model to refuse."""
    return {**own, **lines} if isinstance(lines, dict) else lines


def _words(arguments: tuple[Argument, ...]) -> list[str]:
    return [word for argument in arguments for word in (argument.name, argument.value) if word is not None]
