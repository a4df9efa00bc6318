"""Adds and removes servers of a stack: checked first, written as one line, previewed at once."""

import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from fleet import image_lookup, sources, stackfile
from fleet.errors import FleetError
from fleet.image_signatures import verify_signature
from fleet.project import existing_stack_file
from fleet.stackfile import Entry as Line
from fleet.stackfile import StackText
from stacks.remote_config import references
from stacks.source import OCI_PREFIX

if TYPE_CHECKING:
    from stacks.catalog_entry import Entry
    from stacks.config import ServerConfig


@dataclass(frozen=True, kw_only=True)
class Addition:
    """What a user wants added. `source` may lack a version, and `name` is found where it is None."""

    source: str
    name: str | None = None
    args: Sequence[str] = ()
    env: Mapping[str, str] = field(default_factory=dict)
    secrets: Sequence[str] = ()
    headers: Mapping[str, str] = field(default_factory=dict)
    packages: Sequence[str] = ()
    constraints: Sequence[str] = ()
    volume: bool = False

    def in_catalog(self) -> "Entry | None":
        """The entry of the catalog that it names. Raises FleetError where it names one that is not there."""
        request = sources.Request.parse(self.source)
        return sources.catalog_entry(request.name) if request.kind == "catalog" else None

    def started(self, environment: Mapping[str, str]) -> "Addition":
        """Return it with the digest of its image, and what that starts, where it is an image and leaves them out.

        Raises:
            FleetError: its registry has no such image, or that starts nothing by itself.
        """
        request = sources.Request.parse(self.source)
        if request.kind != "oci" or (request.command and "@" in request.name):
            return self
        image = image_lookup.look_up(request.name, environment)
        if request.command:
            return replace(self, source=f"{OCI_PREFIX}{image.reference}{request.command}")
        program, *args = image.start(self.args)
        return replace(self, source=f"{OCI_PREFIX}{image.reference}#{program}", args=args)

    @property
    def referenced(self) -> tuple[str, ...]:
        """The secrets that its headers refer to."""
        return tuple(dict.fromkeys(references(self.headers, None)))

    def entry(self, source: str) -> Line:
        """What to write behind the server's name, for a source with its version: the source alone where that does."""
        more: dict[str, Any] = {
            "args": list(self.args),
            "env": dict(self.env),
            "secrets": list(self.secrets),
            "headers": dict(self.headers),
            "packages": list(self.packages),
            "constraints": list(self.constraints),
            "volume": self.volume,
        }
        given = {key: value for key, value in more.items() if value}
        return {"source": source, **given} if given else source


@dataclass(frozen=True, kw_only=True)
class Change:
    """A change of a stack's file that is checked and not yet written.

    Attributes:
        line: the line of the server, without indentation.
        unset: the secret variables that are still to be set before the stack can be brought up.
        entry: the entry of the catalog that it comes from.
        config: the server as the changed file has it; None where it goes.
        lock: the folder of its package's lock, where that was made for it.
    """

    file: Path
    before: str
    after: str
    server: str
    line: str
    unset: tuple[str, ...] = ()
    entry: "Entry | None" = None
    config: "ServerConfig | None" = None
    lock: Path | None = None

    def write(self) -> None:
        """Write the file."""
        self.file.write_text(self.after, encoding="utf-8")

    def undo(self) -> None:
        """Put the file back as it was, and remove the lock that was made for the server."""
        self.file.write_text(self.before, encoding="utf-8")
        if self.lock is not None:
            shutil.rmtree(self.lock)


def adding(addition: Addition, *, project: Path, stack: str, environment: Mapping[str, str]) -> Change:
    """Pin the source and check the stack with it. Raises FleetError with what won't do; nothing is written."""
    file = existing_stack_file(project, stack)
    text = stackfile.read(file)
    request = sources.Request.parse(addition.source)
    name = addition.name or sources.server_name(request)
    if name in text.servers:
        raise FleetError(
            f"{file.name}:{text.line(name)}: there is a server {name!r} already",
            hint="choose another name with --name, or change its version in that line",
        )
    in_catalog = addition.in_catalog()
    addition = addition.started(environment)
    entry = addition.entry(sources.Request.parse(addition.source).pinned(environment))
    after = text.with_server(name, entry)
    present = ((text.document.get("config") or {}).get(stackfile.SECRETS) or {}).get(name) or {}
    needed = addition.secrets or (in_catalog.required_secrets if in_catalog else addition.referenced)
    unset = tuple(variable for variable in needed if variable not in present)
    changed = StackText(after, name=file.name)
    config = stackfile.checked(changed, stack, project, assume={name: unset})
    verify_signature(name, config, project, environment)
    return Change(
        file=file,
        before=text.text,
        after=after,
        server=name,
        line=stackfile.one_line(name, entry),
        unset=unset,
        entry=in_catalog,
        config=config.servers[name],
    )


def removing(name: str, *, project: Path, stack: str) -> Change:
    """Check the stack without a server. Raises FleetError where it has none, or a client refers to it."""
    file = existing_stack_file(project, stack)
    text = stackfile.read(file)
    if name not in text.servers:
        known = ", ".join(sorted(text.servers)) or "none"
        raise FleetError(f"{file.name} has no server {name!r}", hint=f"servers: {known}")
    after = text.without_server(name)
    stackfile.checked(StackText(after, name=file.name), stack, project)
    line = stackfile.one_line(name, text.servers[name])
    return Change(file=file, before=text.text, after=after, server=name, line=line)
