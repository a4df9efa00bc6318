"""Locks of packages: every file that the image of a package installs, by its hash.

A lock is of a package in one version, whatever servers and stacks name it: `locks/pypi/NAME@VERSION/requirements.txt`
as `uv pip compile` writes it, `locks/npm/NAME@VERSION/package-lock.json` as npm does. The build gets the folder.
"""

import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from packaging.requirements import InvalidRequirement, Requirement
from packaging.utils import canonicalize_name

from .config import ServerConfig, StackConfig
from .packages import IMAGE_PYTHON
from .problems import Problem
from .source import NpmSource, PypiSource

FOLDER = "locks"
PYPI_LOCK = "requirements.txt"
NPM_LOCK = "package-lock.json"
_HASH = "--hash="
_IMAGE = {
    "implementation_name": "cpython",
    "os_name": "posix",
    "platform_python_implementation": "CPython",
    "platform_system": "Linux",
    "python_full_version": f"{IMAGE_PYTHON}.0",
    "python_version": IMAGE_PYTHON,
    "sys_platform": "linux",
}
"""What markers of requirements are asked of: https://peps.python.org/pep-0508/#environment-markers."""


class PackageLockError(ValueError):
    """A lock that can't be used. The message says which and why; the remedy is to make it anew."""


@dataclass(frozen=True, order=True)
class LockedPackage:
    """A version of a package that a lock names. `hashes` are of the files that may be installed for it."""

    name: str
    version: str
    hashes: tuple[str, ...]


def lock_folder(source: PypiSource | NpmSource) -> str:
    """Return where the lock of a package is, or would be, relative to the folder of Pulumi.yaml."""
    if isinstance(source, PypiSource):
        return f"{FOLDER}/pypi/{canonicalize_name(source.package)}@{source.version}"
    return f"{FOLDER}/npm/{source.package}@{source.version}"


def existing_lock(source: PypiSource | NpmSource, root: Path) -> str:
    """Return the folder of a package's lock, relative to `root`, the folder of Pulumi.yaml; empty where it has none."""
    return lock_folder(source) if (root / lock_file(source)).is_file() else ""


def lock_file(source: PypiSource | NpmSource) -> str:
    """Return the file that is the lock, relative to the folder of Pulumi.yaml."""
    return f"{lock_folder(source)}/{PYPI_LOCK if isinstance(source, PypiSource) else NPM_LOCK}"


def locked_packages(source: PypiSource | NpmSource, root: Path) -> tuple[LockedPackage, ...] | None:
    """Return all that the lock of a package has for the images' platform; None where it has none.

    Raises:
        PackageLockError: it is no lock, or a package in it has no hash.
    """
    if not (root / lock_file(source)).is_file():
        return None
    return _read(root, lock_file(source), _of_pypi if isinstance(source, PypiSource) else _of_npm)


def locked_requirements(file: str, root: Path) -> tuple[LockedPackage, ...]:
    """Return all that a requirements.lock of code in this repository has for the images' platform.

    Arguments:
        file: relative to `root`, the folder of Pulumi.yaml.

    Raises:
        PackageLockError: it is missing or no lock, or a package in it has no hash.
    """
    return _read(root, file, _of_pypi)


def _read(root: Path, file: str, parse: Callable[[str], Iterator[LockedPackage]]) -> tuple[LockedPackage, ...]:
    try:
        found = tuple(sorted(parse((root / file).read_text(encoding="utf-8"))))
    except (OSError, InvalidRequirement, ValueError, KeyError, TypeError, AttributeError) as error:
        raise PackageLockError(f"{file} is no lock: {error}") from error
    if without := [package.name for package in found if not package.hashes]:
        raise PackageLockError(f"{file} has no hash for {without[0]}")
    return found


def _of_pypi(text: str) -> Iterator[LockedPackage]:
    for line in text.replace("\\\n", " ").splitlines():
        words = line.partition("#")[0].split()
        if not words or words[0].startswith("--"):
            continue
        hashes = tuple(sorted(word.removeprefix(_HASH) for word in words if word.startswith(_HASH)))
        requirement = Requirement(" ".join(word for word in words if not word.startswith("--")))
        if requirement.marker and not requirement.marker.evaluate(_IMAGE):
            continue
        exact = [each.version for each in requirement.specifier if each.operator == "=="]
        if len(exact) != 1:
            raise ValueError(f"{requirement} is not one version")
        yield LockedPackage(canonicalize_name(requirement.name), exact[0], hashes)


def _of_npm(text: str) -> Iterator[LockedPackage]:
    for where, entry in json.loads(text)["packages"].items():
        if where and "linux" in entry.get("os", ["linux"]):
            name = entry.get("name") or where.rpartition("node_modules/")[2]
            yield LockedPackage(name, entry["version"], tuple(entry.get("integrity", "").split()))


def mismatch(server: ServerConfig, root: Path) -> str | None:
    """Return why the lock of a server's package is not one for its line; None where it is, or there is none.

    Raises:
        PackageLockError: as `locked_packages`.
    """
    source = server.source
    if not isinstance(source, PypiSource | NpmSource):
        return None
    packages = locked_packages(source, root)
    if packages is None:
        return None
    own = canonicalize_name(source.package) if isinstance(source, PypiSource) else source.package
    if not any(package.name == own and package.version == source.version for package in packages):
        return f"{lock_file(source)} does not have {source.package} in version {source.version}"
    return next(_broken(server.constraints, packages, lock_file(source)), None)


def _broken(constraints: Sequence[str], packages: Iterable[LockedPackage], file: str) -> Iterator[str]:
    for constraint in map(Requirement, constraints):
        for package in packages:
            if package.name == canonicalize_name(constraint.name) and not constraint.specifier.contains(
                package.version, prereleases=True
            ):
                yield f"{file} has {package.name} {package.version}, and the line asks for {constraint}"


def unlocked_servers(config: StackConfig, root: Path) -> list[str]:
    """Return the servers whose packages have no lock: what they install is found out when they are built."""
    return [
        name
        for name, server in config.servers.items()
        if isinstance(server.source, PypiSource | NpmSource) and not (root / lock_file(server.source)).is_file()
    ]


def lock_problems(stack: str, config: StackConfig, root: Path) -> Iterator[Problem]:
    """Yield a problem for each lock that can't be used for its line, or is missing where the stack requires locks."""
    if config.require_locks:
        for name in unlocked_servers(config, root):
            yield Problem(
                path=("servers", name, "source"),
                message=f"its package has no lock, and `require-locks` asks for one; make it: {command(name, stack)}",
            )
    for name, server in config.servers.items():
        try:
            why = mismatch(server, root)
        except PackageLockError as error:
            why = str(error)
        if why:
            message = f"{why}; make the lock anew: {command(name, stack)}"
            yield Problem(path=("servers", name, "source"), message=message)


def command(server: str, stack: str) -> str:
    """Return the command that makes the lock of a server's package."""
    return f"bin/fleet lock {server} --stack {stack}"
