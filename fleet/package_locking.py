"""Makes locks of packages: what `uv` and npm resolve now, each file by its hash, for builds to come."""

import json
import re
import shutil
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from fleet import project, stackfile
from fleet.errors import FleetError
from fleet.installed_packages import resolve
from fleet.sources import uv_command
from stacks import catalog
from stacks.config import ServerConfig
from stacks.package_locks import (
    FOLDER,
    NPM_LOCK,
    PYPI_LOCK,
    PackageLockError,
    lock_file,
    lock_folder,
    locked_packages,
    mismatch,
)
from stacks.packages import IMAGE_PYTHON, YANKED, npm_command
from stacks.source import NpmSource, PypiSource

_MANIFEST = "package.json"
_UV_OPTIONS = (
    "--universal",
    "--generate-hashes",
    "--emit-build-options",
    "--no-emit-index-url",
    "--no-header",
    "--no-annotate",
    f"--python-version={IMAGE_PYTHON}",
)
_NPM_OPTIONS = (
    "--package-lock-only",
    "--omit-lockfile-registry-resolved",
    "--ignore-scripts",
    "--no-audit",
    "--no-fund",
    "--loglevel=error",
)
_SAME_NAME = re.compile(r"[-_.]+")


@dataclass(frozen=True, kw_only=True)
class Locked:
    """A lock that was made.

    Attributes:
        file: the lock, relative to the project.
        packages: how many packages it has for the images' platform.
        notes: what to know of it, a sentence each.
    """

    file: str
    packages: int
    notes: tuple[str, ...] = ()


def lock_servers(stack: str, servers: Sequence[str]) -> Mapping[str, Locked]:
    """Make the locks of servers of a stack anew; those that are missing or are not for their line, if none is named.

    Raises:
        FleetError: the stack has no such server, or some packages could not be resolved: the others are locked.
    """
    root = project.directory()
    config = stackfile.read_config(stackfile.read(project.existing_stack_file(root, stack)), stack)
    stackfile.require_servers(config, stack, servers)
    for name in servers:
        if not isinstance(config.servers[name].source, PypiSource | NpmSource):
            raise FleetError(
                f"{name} is no package of PyPI or npm",
                hint="a server's own folder has its own lock, and a container image is pinned by its digest",
            )
    wanted = {name: config.servers[name] for name in servers or config.servers}
    return _lock_all(wanted if servers else _without_lock(wanted, root), root)


def lock_catalog() -> Mapping[str, Locked]:
    """Make the locks of the catalog's entries that are missing, or are not for their entry. Raises FleetError."""
    root = project.directory()
    return _lock_all(_without_lock(_entries(), root), root)


def drop_unneeded(root: Path) -> list[str]:
    """Remove the locks that neither a stack's line nor the catalog needs; return their folders."""
    lines = [
        server
        for stack in project.stacks(root)
        for server in stackfile.read_config(stackfile.read(project.stack_file(root, stack)), stack).servers.values()
    ]
    needed = {
        lock_folder(server.source)
        for server in (*lines, *_entries().values())
        if isinstance(server.source, PypiSource | NpmSource)
    }
    there = {file.parent for name in (PYPI_LOCK, NPM_LOCK) for file in (root / FOLDER).rglob(name)}
    dropped = sorted(folder for folder in there if folder.relative_to(root).as_posix() not in needed)
    for folder in dropped:
        shutil.rmtree(folder)
    return [folder.relative_to(root).as_posix() for folder in dropped]


def lock(name: str, server: ServerConfig, root: Path, environment: Mapping[str, str]) -> Locked:
    """Make the lock of a server's package. Nothing is written where it can't be made.

    Args:
        root: the project.

    Raises:
        FleetError: its packages can't be resolved, or its makers took the version back.
    """
    source = server.source
    if not isinstance(source, PypiSource | NpmSource):
        raise TypeError(f"{source} is no package")
    with TemporaryDirectory() as folder:
        made = Path(folder) / lock_folder(source)
        made.mkdir(parents=True)
        if isinstance(source, PypiSource):
            notes = _lock_pypi(name, source, server.constraints, made, environment)
        else:
            notes = _lock_npm(name, source, made, environment)
        try:
            packages = len(locked_packages(source, Path(folder)) or ())
        except PackageLockError as error:
            raise FleetError(f"{name}: {error}", hint="its registry must tell the hashes of its files") from error
        shutil.copytree(made, root / lock_folder(source), dirs_exist_ok=True)
    return Locked(file=lock_file(source), packages=packages, notes=notes)


def _lock_pypi(
    name: str, source: PypiSource, constraints: Iterable[str], made: Path, environment: Mapping[str, str]
) -> tuple[str, ...]:
    wanted = f"{source.package}=={source.version}\n"
    (made.parent / "constraints").write_text("\n".join(constraints) + "\n", encoding="utf-8")
    told = ("--constraints", str(made.parent / "constraints"), "-")
    command = [*uv_command(environment), "pip", "compile", *_UV_OPTIONS, *told]
    environment = {**environment, "UV_PYTHON_DOWNLOADS": "never"}
    notes: list[str] = []
    try:
        done = resolve(name, [*command, "--no-build"], wanted, environment)
    except FleetError:
        # Building from source fetches build tools, which no lock has: only where there is no other way.
        done = resolve(name, command, wanted, environment)
        notes.append("some of it is built from source, with build tools that are not in the lock")
    for yanked in YANKED.finditer(done.stderr):
        package = yanked["package"]
        if _same(package.partition("==")[0], source.package):
            raise FleetError(
                f"{name}: {package} was yanked{yanked['reason']}", hint=f"choose another version: fleet upgrade {name}"
            )
        notes.append(f"{package}, which it depends on, was yanked{yanked['reason']}")
    (made / PYPI_LOCK).write_text(done.stdout, encoding="utf-8")
    return tuple(notes)


def _same(one: str, other: str) -> bool:
    return _SAME_NAME.sub("-", one).lower() == _SAME_NAME.sub("-", other).lower()


def _lock_npm(name: str, source: NpmSource, made: Path, environment: Mapping[str, str]) -> tuple[str, ...]:
    manifest = {"name": "server", "private": True, "dependencies": {source.package: source.version}}
    (made / _MANIFEST).write_text(json.dumps(manifest, indent=2) + "\n", encoding="utf-8")
    command = [*npm_command(environment.get("PATH")), "install", "--prefix", str(made), *_NPM_OPTIONS]
    resolve(name, command, "", environment)
    try:
        made_lock = json.loads((made / NPM_LOCK).read_text(encoding="utf-8"))
        entry = made_lock["packages"][f"node_modules/{source.package}"]
    except (OSError, ValueError, KeyError) as error:
        raise FleetError(f"{name}: npm made no lock of {source}", hint="it takes npm 9 or newer") from error
    notes = [f"{source} is deprecated: {entry['deprecated']}"] if entry.get("deprecated") else []
    if missing := _drop_missing(made_lock["packages"]):
        (made / NPM_LOCK).write_text(json.dumps(made_lock, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
        notes.append(f"its registry has not {', '.join(missing)}: optional, and left out")
    return tuple(notes)


def _drop_missing(packages: Mapping[str, dict[str, Any]]) -> list[str]:
    """Drop optional packages that a registry had not from what a lock's packages ask for, and return their names.

    npm makes a lock without them, and refuses then to install from it.
    """
    there = {where.rpartition("node_modules/")[2] for where in packages}
    missing: set[str] = set()
    for entry in packages.values():
        asked = entry.get("optionalDependencies", {})
        for package in asked.keys() - there:
            del asked[package]
            missing.add(package)
    return sorted(missing)


def _lock_all(servers: Mapping[str, ServerConfig], root: Path) -> Mapping[str, Locked]:
    environment = project.environment()
    found: dict[str, Locked] = {}
    failed: list[FleetError] = []
    for name, server in servers.items():
        try:
            found[name] = lock(name, server, root, environment)
        except FleetError as error:
            failed.append(error)
    if failed:
        raise FleetError("\n".join(map(str, failed)), hint=failed[0].hint)
    return found


def _without_lock(servers: Mapping[str, ServerConfig], root: Path) -> Mapping[str, ServerConfig]:
    """Those whose lock is missing, is none, or is not for their line; each package once."""
    wanted: dict[str, tuple[str, ServerConfig]] = {}
    for name, server in servers.items():
        source = server.source
        if not isinstance(source, PypiSource | NpmSource):
            continue
        try:
            usable = (root / lock_file(source)).is_file() and mismatch(server, root) is None
        except PackageLockError:
            usable = False
        if not usable:
            wanted.setdefault(lock_folder(source), (name, server))
    return dict(wanted.values())


def _entries() -> dict[str, ServerConfig]:
    """The catalog's servers that a fleet can have, as lines of nothing but their names."""
    entries = (catalog.read_entry(name) for name in catalog.names())
    return {
        entry.label: ServerConfig.model_validate({"source": f"catalog:{entry.label}"})
        for entry in entries
        if not entry.extension.people_only
    }
