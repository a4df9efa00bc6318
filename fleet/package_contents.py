"""What a package's own code names: variables of its environment, and hosts that it may speak to. Nothing of it is run.

It is read and not understood: a name that is put together while the code runs is not found, and one that is found may
never be used. What differs between two versions is for a reviewer to ask about.
"""

import json
import re
import tarfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from fleet.errors import FleetError
from fleet.installed_packages import resolve
from fleet.sources import uv_command
from stacks.packages import IMAGE_PYTHON, npm_command
from stacks.source import NpmSource, PypiSource

CODE = frozenset({".py", ".js", ".mjs", ".cjs", ".ts", ".json", ".toml", ".yaml", ".yml"})
MOST_BYTES = 20_000_000
"""A file that is larger is not read."""
_VARIABLE = re.compile(
    rb"(?:os\.environ(?:\.get\(|\.setdefault\(|\.pop\(|\[)|os\.getenv\(|(?:process\.)?env(?:\.|\[))\s*"
    rb"[\"']?([A-Z][A-Z0-9_]{2,60})\b"
)
_HOST = re.compile(rb"(?:https?|wss?)://((?:[a-z0-9-]{1,63}\.)+[a-z]{2,24})\b")


@dataclass(frozen=True, kw_only=True)
class Contents:
    """What was found, by name."""

    variables: frozenset[str]
    hosts: frozenset[str]


def read(name: str, source: PypiSource | NpmSource, environment: Mapping[str, str]) -> Contents:
    """Fetch a package, without what it depends on, and look through its code.

    Args:
        name: the server's, for messages.

    Raises:
        FleetError: it can't be fetched.
    """
    with TemporaryDirectory() as folder:
        if isinstance(source, PypiSource):
            _fetch_pypi(name, source, Path(folder), environment)
        else:
            _fetch_npm(name, source, Path(folder), environment)
        variables: set[str] = set()
        hosts: set[str] = set()
        for text in _texts(Path(folder)):
            variables |= {found.decode() for found in _VARIABLE.findall(text)}
            hosts |= {found.decode() for found in _HOST.findall(text)}
    return Contents(variables=frozenset(variables), hosts=frozenset(hosts))


def _fetch_pypi(name: str, source: PypiSource, folder: Path, environment: Mapping[str, str]) -> None:
    options = ("--no-deps", "--no-build", "--target", str(folder))
    image = ("--python-version", IMAGE_PYTHON, "--python-platform", "linux")
    wanted = f"{source.package}=={source.version}"
    resolve(name, [*uv_command(environment), "pip", "install", *options, *image, wanted], "", environment)


def _fetch_npm(name: str, source: NpmSource, folder: Path, environment: Mapping[str, str]) -> None:
    options = ("--json", "--ignore-scripts", "--loglevel=error", "--pack-destination", str(folder))
    wanted = f"{source.package}@{source.version}"
    done = resolve(name, [*npm_command(environment.get("PATH")), "pack", *options, wanted], "", environment)
    try:
        with tarfile.open(folder / json.loads(done.stdout)[0]["filename"]) as archive:
            archive.extractall(folder, filter="data")
    except (ValueError, LookupError, TypeError, OSError, tarfile.TarError) as error:
        raise FleetError(f"{name}: npm gave no archive of {source}: {error}", hint="try again") from error


def _texts(folder: Path) -> Iterator[bytes]:
    for file in sorted(folder.rglob("*")):
        if file.suffix in CODE and file.is_file() and file.stat().st_size <= MOST_BYTES:
            yield file.read_bytes()
