"""tools.lock.json: which tools each server was seen to offer, and from which line and code.

One file for all stacks: stacks that run the same line share an entry, `git show` gets all of a commit at once, and a
reviewer who reads its diff sees each word that a model would be told.
"""

import hashlib
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from mcp_wire.tool_surface import definition_hash, fingerprint
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from .config import ServerConfig
from .image_tags import own_code_digest
from .source import PathSource

FILE = "tools.lock.json"


class RecordedToolsError(Exception):
    """What is recorded can't be read; the message says why."""


class _Model(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Tool(_Model):
    """A tool as clients are told of it: `definition` is a hash of all but its name and description."""

    description: str
    definition: str

    @property
    def fingerprint(self) -> str:
        """A hash of all of it: what the bridge compares."""
        return fingerprint(self.description, self.definition)


class Line(_Model):
    """What of a server's line decides which tools it has: its source, and a hash of what else does."""

    source: str
    settings: str


class Surface(_Model):
    """The tools of a server, and what they were taken from. `code` is a hash of own code; nothing for packages."""

    line: Line
    code: str = ""
    tools: Mapping[str, Tool]


class Lock(_Model):
    """All that is recorded, by server."""

    servers: Mapping[str, Sequence[Surface]] = Field(default={})

    def surface(self, server: str, line: Line) -> Surface | None:
        """The tools that are recorded for a line of a server; None where there are none."""
        return next((surface for surface in self.servers.get(server, ()) if surface.line == line), None)

    def with_surface(self, server: str, surface: Surface) -> "Lock":
        """The lock with tools recorded, in place of those of the same line."""
        others = [other for other in self.servers.get(server, ()) if other.line != surface.line]
        kept = sorted([*others, surface], key=lambda each: (each.line.source, each.line.settings))
        return Lock(servers={**self.servers, server: kept})

    def only(self, lines: Mapping[str, frozenset[Line]]) -> "Lock":
        """The lock without what no line has, by server."""
        kept = {
            server: [surface for surface in surfaces if surface.line in lines.get(server, ())]
            for server, surfaces in self.servers.items()
        }
        return Lock(servers={server: surfaces for server, surfaces in kept.items() if surfaces})


def tool(definition: Mapping[str, Any]) -> Tool:
    """Return what is recorded of a tool, from what the server says of it."""
    return Tool(description=str(definition.get("description") or ""), definition=definition_hash(definition))


def line(server: ServerConfig) -> Line:
    """Return what of a server's line decides which tools it has."""
    settings = [
        getattr(server.source, "command", ""),
        list(server.arguments),
        dict(server.env),
        sorted(server.secrets),
        sorted(server.constraints),
        sorted(server.packages),
        server.install_scripts,
        *([dict(server.files)] if server.files else []),
    ]
    return Line(source=str(server.source), settings=_hash(settings)[:12])


def code(server: ServerConfig, project: Path) -> str:
    """Return a hash of own code and the chassis; nothing where the server is a package, or its folder is missing."""
    if not isinstance(server.source, PathSource) or not (project / server.source.path).is_dir():
        return ""
    return own_code_digest(project, server.source.path)


def parse(text: str, *, name: str = FILE) -> Lock:
    """Return what the text of a lock says. Raises RecordedToolsError where it is none; `name` is for its message."""
    try:
        return Lock.model_validate_json(text)
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(map(str, first["loc"]))
        raise RecordedToolsError(f"{name}: can't be read: {f'{where}: ' if where else ''}{first['msg']}") from error


def read(project: Path) -> Lock:
    """Return what is recorded in a project: nothing where there is no lock. Raises RecordedToolsError if it is none."""
    try:
        return parse((project / FILE).read_text(encoding="utf-8"))
    except FileNotFoundError:
        return Lock()
    except (OSError, UnicodeDecodeError) as error:
        raise RecordedToolsError(f"{FILE}: can't be read: {error}") from error


def unrecorded(name: str, server: ServerConfig, lock: Lock, code: str) -> str:
    """Say why the tools of a server are not known by the lock; nothing where they are."""
    wanted = line(server)
    surface = lock.surface(name, wanted)
    if surface is not None:
        return "" if surface.code == code else f"recorded for another state of {wanted.source}, or of the chassis"
    if server.remote:
        return "a remote server: it lists its tools once it is up"
    known = [surface.line.source for surface in lock.servers.get(name, ())]
    if wanted.source in known:
        return "recorded with other arguments, variables or packages"
    return f"recorded for {', '.join(known)}, not for {wanted.source}" if known else "never recorded"


def _hash(content: object) -> str:
    canonical = json.dumps(content, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return hashlib.sha256(canonical.encode()).hexdigest()
