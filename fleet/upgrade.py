"""Newer versions of the packages that servers come from: what would change with each, and the lines with it."""

import json
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from packaging.version import InvalidVersion, Version

from fleet import package_contents, package_locking, sources, stackfile, tools_lock, tools_recording, tools_review
from fleet.errors import FleetError
from fleet.project import existing_stack_file
from fleet.stackfile import StackText
from fleet.tools_recording import Workshop
from fleet.upgrade_proposal import Difference, Proposal
from stacks import catalog, recorded_tools
from stacks.config import ServerConfig
from stacks.package_locks import FOLDER, PackageLockError, locked_packages
from stacks.recorded_tools import Surface
from stacks.source import NpmSource, OciSource, PypiSource


@dataclass(frozen=True, kw_only=True)
class Upgrade:
    """What could be upgraded in a stack.

    Attributes:
        proposals: by server.
        skipped: why a server has none, by server, where that is not because its version is the newest.
        files: the stack's file and entries of the catalog with the newer versions, by their paths.
        surfaces: the tools of the newer versions, by server, where they could be listed.
    """

    proposals: Mapping[str, Proposal]
    skipped: Mapping[str, str]
    files: Mapping[Path, str]
    surfaces: Mapping[str, Surface]


def propose(stack: str, servers: Sequence[str], workshop: Workshop) -> Upgrade:
    """Look for newer versions of servers' packages; of all servers if none is named. Nothing is written but locks.

    Args:
        workshop: its `locks` is an empty folder, which gets the locks of the newer versions.

    Raises:
        FleetError: the stack has no such server.
    """
    file = existing_stack_file(workshop.project, stack)
    config = stackfile.read_config(stackfile.read(file), stack)
    stackfile.require_servers(config, stack, servers)
    proposals: dict[str, Proposal] = {}
    skipped: dict[str, str] = {}
    files: dict[Path, str] = {}
    surfaces: dict[str, Surface] = {}
    for name in servers or config.servers:
        server = config.servers[name]
        try:
            upgraded = _upgraded(server, workshop.environment)
            if upgraded is None:
                continue
            changed, text = _written(files, name, server, _version(upgraded), file)
            proposals[name], surface = _proposal(name, server, upgraded, workshop)
        except FleetError as error:
            skipped[name] = str(error).removeprefix(f"{name}: ")
            continue
        files[changed] = text
        if surface is not None:
            surfaces[name] = surface
    return Upgrade(proposals=proposals, skipped=skipped, files=files, surfaces=surfaces)


def write(upgrade: Upgrade, workshop: Workshop, *, stack: str) -> None:
    """Write the newer versions, their locks, and what tools they have.

    Raises:
        FleetError: the stack won't do with them; nothing is written then.
    """
    project = workshop.project
    file = existing_stack_file(project, stack)
    if file in upgrade.files:
        stackfile.read_config(StackText(upgrade.files[file], name=file.name), stack)
    if (workshop.lock_root / FOLDER).is_dir():
        shutil.copytree(workshop.lock_root / FOLDER, project / FOLDER, dirs_exist_ok=True)
    for path, text in upgrade.files.items():
        path.write_text(text, encoding="utf-8")
    if upgrade.surfaces:
        lock = tools_lock.read(project)
        for name, surface in upgrade.surfaces.items():
            lock = lock.with_surface(name, surface)
        tools_lock.write(lock, project)


def _upgraded(server: ServerConfig, environment: Mapping[str, str]) -> ServerConfig | None:
    """Return a server with the newest version of its package; None where it has that, or is no package."""
    source = server.source
    if isinstance(source, PypiSource):
        newest = sources.newest_on_pypi(source.package, environment)
    elif isinstance(source, NpmSource):
        newest = sources.newest_on_npm(source.package, environment)
    elif isinstance(source, OciSource):
        raise FleetError(
            f"{source.image.repository} is pinned by its digest, and no registry tells which tag is the newest; "
            f"the digest of one: docker buildx imagetools inspect {source.image.repository}:TAG"
        )
    else:
        return None
    if not newer(source.version, newest):
        return None
    return server.model_copy(update={"source": replace(source, version=newest)})


def _written(
    files: Mapping[Path, str], name: str, server: ServerConfig, version: str, stack_file: Path
) -> tuple[Path, str]:
    """Return where a server's version is written, the stack's file or its entry of the catalog, with another one."""
    if server.entry is None:
        text = files.get(stack_file) or stackfile.read(stack_file).text
        return stack_file, StackText(text, name=stack_file.name).with_version(name, _version(server), version)
    entry = stack_file.parent / catalog.FOLDER.name / f"{server.entry.label}.json"
    if not entry.is_file():
        raise FleetError(f"its version is that of {entry.relative_to(stack_file.parent)}, which this project has not")
    return entry, entry_with_version(entry.read_text(encoding="utf-8"), _version(server), version)


def entry_with_version(text: str, before: str, after: str) -> str:
    """Return an entry of the catalog with another version, and nothing else changed."""
    return text.replace(f'"version": {json.dumps(before)}', f'"version": {json.dumps(after)}')


def _version(server: ServerConfig) -> str:
    if not isinstance(server.source, PypiSource | NpmSource):
        raise TypeError(f"{server.source} is no package")
    return server.source.version


def _proposal(
    name: str, before: ServerConfig, after: ServerConfig, workshop: Workshop
) -> tuple[Proposal, Surface | None]:
    old, new = before.source, after.source
    if not isinstance(old, PypiSource | NpmSource) or not isinstance(new, PypiSource | NpmSource):
        raise TypeError(f"{old} is no package")
    environment = workshop.environment
    locked = package_locking.lock(name, after, workshop.lock_root, environment)
    then, now = (package_contents.read(name, source, environment) for source in (old, new))
    proposal = Proposal(
        server=name,
        source=str(new),
        before=old.version,
        after=new.version,
        packages=_packages(name, (old, workshop.project), (new, workshop.lock_root)),
        variables=Difference.between(then.variables, now.variables),
        hosts=Difference.between(then.hosts, now.hosts),
        tools=None,
        notes=locked.notes,
    )
    surface = None
    try:
        surface = _surface(name, after, workshop)
        tools = tuple(tools_review.changes(_surface(name, before, workshop).tools, surface.tools))
    except FleetError as error:
        return replace(proposal, notes=(*proposal.notes, f"its tools could not be compared: {error}")), surface
    return replace(proposal, tools=tools), surface


def _surface(name: str, server: ServerConfig, workshop: Workshop) -> Surface:
    """Return the tools of a server: as they are recorded, or as it lists them.

    Raises:
        FleetError: it can't be built, or lists none; in one line.
    """
    recorded = tools_lock.read(workshop.project).surface(name, recorded_tools.line(server))
    try:
        return recorded or tools_recording.record(name, server, workshop)
    except FleetError as error:
        raise FleetError(f"{_version(server)}: {' '.join(str(error).split())}") from error


def newer(before: str, after: str) -> bool:
    """Whether a version is newer than another; versions that can't be compared are, where they differ."""
    try:
        return Version(after) > Version(before)
    except InvalidVersion:
        return after != before


def _packages(name: str, *locked: tuple[PypiSource | NpmSource, Path]) -> Difference | None:
    try:
        before, after = (locked_packages(source, root) for source, root in locked)
    except PackageLockError as error:
        raise FleetError(f"{name}: {error}", hint=f"make it anew: fleet lock {name}") from error
    if before is None or after is None:
        return None
    names = ([f"{package.name} {package.version}" for package in each] for each in (before, after))
    return Difference.between(*names)
