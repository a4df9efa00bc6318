"""What a server's image would have installed if it were built now: its package, and all that this depends on."""

import json
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Literal

from fleet.errors import FleetError
from fleet.sources import uv_command
from stacks.config import ServerConfig
from stacks.package_locks import PackageLockError, locked_packages
from stacks.packages import IMAGE_PYTHON, npm_command
from stacks.source import NpmSource, OciSource, PathSource, PypiSource

SECONDS = 300
"""How long resolving a server's packages may take."""
Ecosystem = Literal["PyPI", "npm"]


@dataclass(frozen=True, order=True)
class Package:
    """A version of a package, in OSV's words for where it comes from."""

    ecosystem: Ecosystem
    name: str
    version: str

    def __str__(self) -> str:
        return f"{self.name} {self.version}"


def own_package(server: ServerConfig) -> Package | None:
    """Return the package that a server's line names; None for own code."""
    match server.source:
        case PypiSource(package=name, version=version):
            return Package("PyPI", name, version)
        case NpmSource(package=name, version=version):
            return Package("npm", name, version)
    return None


def installed(
    name: str, server: ServerConfig, project: Path, environment: Mapping[str, str]
) -> tuple[Package, ...] | None:
    """Return what a server's image would have, by the lock of its package if there is one; None for a server that is
    not built. Raises FleetError, also for a container image, whose packages nobody tells.
    """
    if isinstance(server.source, PypiSource | NpmSource) and (locked := _locked(name, server.source, project)):
        return locked
    match server.source:
        case PypiSource(package=package, version=version):
            return _of_pypi(name, f"{package}=={version}\n", [], server.constraints, environment)
        case PathSource(path=path):
            file = str(project / path / "pyproject.toml")
            return _of_pypi(name, "", [file], server.constraints, environment)
        case NpmSource(package=package, version=version):
            return _of_npm(name, f"{package}@{version}", environment)
        case OciSource(image=image):
            raise FleetError(
                f"{name}: what its image has in it is not known here; scan it, for example with: grype {image}",
                hint="the makers of an image may publish a bill of materials beside it",
            )
    return None


def _locked(name: str, source: PypiSource | NpmSource, project: Path) -> tuple[Package, ...] | None:
    try:
        packages = locked_packages(source, project)
    except PackageLockError as error:
        raise FleetError(f"{name}: {error}", hint=f"make it anew: fleet lock {name}") from error
    ecosystem: Ecosystem = "PyPI" if isinstance(source, PypiSource) else "npm"
    if packages is None:
        return None
    return tuple(sorted({Package(ecosystem, each.name, each.version) for each in packages}))


def _of_pypi(
    name: str, given: str, files: Sequence[str], constraints: Sequence[str], environment: Mapping[str, str]
) -> tuple[Package, ...]:
    with TemporaryDirectory() as folder:
        limits = Path(folder) / "constraints.txt"
        limits.write_text("\n".join(constraints) + "\n", encoding="utf-8")
        options = ("--no-header", "--no-annotate", "--quiet", "--python-version", IMAGE_PYTHON)
        image = ("--python-platform", "linux", "--constraints", str(limits))
        command = [*uv_command(environment), "pip", "compile", *options, *image, *(files or ["-"])]
        said = resolve(name, command, given, environment).stdout
    pinned = (line.partition(";")[0].strip().partition("==") for line in said.splitlines())
    return tuple(sorted(Package("PyPI", found.partition("[")[0], version) for found, _, version in pinned if version))


def _of_npm(name: str, wanted: str, environment: Mapping[str, str]) -> tuple[Package, ...]:
    with TemporaryDirectory() as folder:
        options = ("--package-lock-only", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error")
        command = [*npm_command(environment.get("PATH")), "install", "--prefix", folder, *options, wanted]
        resolve(name, command, "", environment)
        lock = json.loads((Path(folder) / "package-lock.json").read_text(encoding="utf-8"))
    return tuple(
        sorted(
            {
                Package("npm", entry.get("name") or where.rpartition("node_modules/")[2], entry["version"])
                for where, entry in lock["packages"].items()
                if where and "version" in entry
            }
        )
    )


def resolve(
    name: str, command: Sequence[str], given: str, environment: Mapping[str, str]
) -> subprocess.CompletedProcess[str]:
    """Have a package client resolve what a server depends on.

    Args:
        name: the server's, for messages.
        given: what the client reads from its stdin.

    Raises:
        FleetError: it could not, or took too long.
    """
    hint = "the image would be built with the same: mend the line, or the network"
    try:
        done = subprocess.run(
            command, env=dict(environment), input=given, capture_output=True, text=True, timeout=SECONDS, check=False
        )
    except subprocess.TimeoutExpired as error:
        raise FleetError(f"{name}: its packages were not resolved within {SECONDS} s", hint=hint) from error
    if done.returncode != 0:
        lines = [line.strip() for line in done.stderr.splitlines() if line.strip() and "A complete log" not in line]
        why = lines[-1] if lines else "no reason was given"
        raise FleetError(f"{name}: its packages can't be resolved: {why}", hint=hint)
    return done
