"""tools.lock.json: which tools each server was seen to offer, and from which line and code.

One file for all stacks: stacks that run the same line share an entry, `git show` gets all of a commit at once, and a
reviewer who reads its diff sees each word that a model would be told.
"""

import hashlib
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from fleet.errors import FleetError
from stacks.config import ServerConfig
from stacks.image_tags import own_code_digest
from stacks.source import PathSource

FILE = "tools.lock.json"
RESTORE = f"`git checkout -- {FILE}`, or delete it and `fleet tools lock`"


class _Model(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Tool(_Model):
    """A tool as clients are told of it: `definition` is a hash of all but its name and description."""

    description: str
    definition: str


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
    rest = {key: value for key, value in definition.items() if key not in ("name", "description")}
    return Tool(description=str(definition.get("description") or ""), definition=_hash(rest))


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
    """Return a hash of the server's own code; nothing where it is a package."""
    return own_code_digest(project, server.source.path) if isinstance(server.source, PathSource) else ""


def parse(text: str, *, name: str = FILE) -> Lock:
    """Return what the text of a lock says. Raises FleetError where it is none; `name` is for its message."""
    try:
        return Lock.model_validate_json(text)
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(map(str, first["loc"]))
        raise FleetError(
            f"{name}: can't be read: {f'{where}: ' if where else ''}{first['msg']}", hint=f"put it right: {RESTORE}"
        ) from error


def read(project: Path) -> Lock:
    """Return what is recorded in a project: nothing where there is no lock. Raises FleetError where it is none."""
    try:
        return parse((project / FILE).read_text(encoding="utf-8"))
    except FileNotFoundError:
        return Lock()
    except (OSError, UnicodeDecodeError) as error:
        raise FleetError(f"{FILE}: can't be read: {error}", hint=f"put it right: {RESTORE}") from error


def write(lock: Lock, project: Path) -> None:
    """Write the lock of a project: the same text for the same content."""
    text = json.dumps(lock.model_dump(mode="json"), indent=1, sort_keys=True, ensure_ascii=False)
    (project / FILE).write_text(text + "\n", encoding="utf-8")


def _hash(content: object) -> str:
    canonical = json.dumps(content, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return hashlib.sha256(canonical.encode()).hexdigest()
