"""Pins a source: looks the newest version of a package up, and finds a name for its server."""

import re
import shutil
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from fleet.errors import FleetError
from stacks.packages import npm_command
from stacks.source import CATALOG_PREFIX, OCI_PREFIX

if TYPE_CHECKING:
    from stacks.catalog_entry import Entry

PYTHON = "3.13"
"""The Python of the server images: a release that needs a newer one is not the newest for us."""
SECONDS = 60
"""How long a registry may take to answer."""
EXAMPLES = (
    "github (of the catalog), pypi:mcp-server-time, npm:@modelcontextprotocol/server-memory, ./servers/notes, "
    "oci:ghcr.io/github/github-mcp-server:v1.2.0, https://mcp.linear.app/mcp"
)

_PACKAGE = re.compile(r"(?P<kind>pypi|npm):(?P<name>@?[^@#\s]+)(@(?P<version>[^#\s]+))?(?P<command>#\S+)?")
_IN_CATALOG = re.compile(rf"({CATALOG_PREFIX})?(?P<name>[A-Za-z0-9_-]+)")
_WRAPPING = re.compile(r"^(mcp-server-|server-|mcp-)|(-mcp-server|-server-mcp|-mcp|-server)$")


@dataclass(frozen=True, kw_only=True)
class Request:
    """A source as a user types it: of a package, with or without a version, an image, with or without a digest, a path,
    a URL, or a name in the catalog.

    Attributes:
        kind: `pypi`, `npm`, `oci`, `path`, `remote` or `catalog`.
        name: the package's name, the image with tag and digest, the path, the URL, or the name in the catalog.
        version: the version asked for; None for the newest, and of what has none.
        command: `#command` where one was given, else nothing.
    """

    kind: str
    name: str
    version: str | None = None
    command: str = ""

    @classmethod
    def parse(cls, text: str) -> "Request":
        """Read what a user typed. Raises FleetError with examples."""
        if text.startswith(("./", "../", "/")):
            return cls(kind="path", name=text)
        if text.startswith(("https:", "http:")):
            return cls(kind="remote", name=text)
        if text.startswith(OCI_PREFIX):
            image, hash_sign, program = text.removeprefix(OCI_PREFIX).partition("#")
            return cls(kind="oci", name=image, command=hash_sign + program)
        if (in_catalog := _IN_CATALOG.fullmatch(text)) is not None:
            return cls(kind="catalog", name=in_catalog["name"])
        match = _PACKAGE.fullmatch(text)
        if match is None:
            raise FleetError(f"{text!r} is no source of a server", hint=f"write one such as {EXAMPLES}")
        return cls(kind=match["kind"], name=match["name"], version=match["version"], command=match["command"] or "")

    def pinned(self, environment: Mapping[str, str]) -> str:
        """The source with its version, the newest where none was asked for. Raises FleetError where there is none."""
        if self.kind in ("path", "remote"):
            return self.name
        if self.kind == "oci":
            return f"{OCI_PREFIX}{self.name}{self.command}"
        if self.kind == "catalog":
            return f"{CATALOG_PREFIX}{catalog_entry(self.name).label}"
        find = newest_on_pypi if self.kind == "pypi" else newest_on_npm
        return f"{self.kind}:{self.name}@{self.version or find(self.name, environment)}{self.command}"


def server_name(request: Request) -> str:
    """A server's name out of a package's or folder's: `mcp-server-time` and `@scope/server-time` become `time`,
    `https://mcp.linear.app/mcp` becomes `linear`.

    What a part of the fleet itself is called already gets `-mcp` behind it: `redis-mcp`.
    """
    from stacks.config import COMPONENT_NAMES

    name = request.name if request.kind == "catalog" else _bare_name(request)
    return f"{name}-mcp" if name in COMPONENT_NAMES else name


def _bare_name(request: Request) -> str:
    if request.kind == "remote":
        # The label before the top-level domain: mcp.linear.app is Linear's.
        labels = (urlsplit(request.name).hostname or "").split(".")
        return labels[-2] if len(labels) > 1 else labels[0]
    bare = request.name.rstrip("/").rsplit("/", 1)[-1]
    if request.kind == "oci":
        bare = bare.partition("@")[0].partition(":")[0]
    if request.kind == "pypi":
        bare = bare.rsplit(".", 1)[-1]
    label = re.sub(r"[^a-z0-9]+", "-", bare.lower()).strip("-")
    name = label
    while (shorter := _WRAPPING.sub("", name)) not in (name, "", "mcp", "server"):
        name = shorter
    return name


def catalog_entry(name: str) -> "Entry":
    """The entry of the catalog of this name. Raises FleetError with the nearest one where there is none."""
    from stacks.catalog import CatalogError, read_entry

    try:
        return read_entry(name)
    except CatalogError as error:
        raise FleetError(str(error), hint=f"a source is one such as {EXAMPLES}") from error


def newest_on_pypi(package: str, environment: Mapping[str, str]) -> str:
    """The newest release of a Python package that the images can run, by `uv`."""
    command = [
        "pip",
        "compile",
        "--no-deps",
        "--no-header",
        "--no-annotate",
        "--quiet",
        "--python-version",
        PYTHON,
        "-",
    ]
    answer = _ask([*uv_command(environment), *command], environment, given=package)
    name, _, version = answer.stdout.strip().partition("==")
    if answer.returncode == 0 and name and version:
        return version
    if "not found in the package registry" in answer.stderr:
        raise FleetError(
            f"there is no package {package!r} on PyPI", hint="check the spelling; npm packages are npm:NAME"
        )
    raise _no_version("pypi", package, answer.stderr)


def newest_on_npm(package: str, environment: Mapping[str, str]) -> str:
    """The release of an npm package that is tagged `latest`, by `npm view`."""
    answer = _ask([*npm_command(environment.get("PATH")), "view", "--loglevel=error", package, "version"], environment)
    version = answer.stdout.strip()
    if answer.returncode == 0 and version:
        return version
    if "E404" in answer.stderr or answer.returncode == 0:
        raise FleetError(
            f"there is no package {package!r} on npm", hint="check the spelling; Python packages are pypi:NAME"
        )
    raise _no_version("npm", package, answer.stderr)


def _no_version(kind: str, package: str, said: str) -> FleetError:
    last = next((line.strip() for line in reversed(said.splitlines()) if line.strip()), "it said nothing")
    return FleetError(
        f"can't look up the newest version of {kind}:{package}: {last}", hint=f"or name one: {kind}:{package}@VERSION"
    )


def _ask(
    command: Sequence[str], environment: Mapping[str, str], *, given: str = ""
) -> subprocess.CompletedProcess[str]:
    try:
        return subprocess.run(
            command, env=dict(environment), input=given, capture_output=True, text=True, timeout=SECONDS, check=False
        )
    except subprocess.TimeoutExpired:
        raise FleetError(
            f"the registry did not answer within {SECONDS} s", hint="name a version: NAME@VERSION"
        ) from None


def uv_command(environment: Mapping[str, str]) -> list[str]:
    """The command line of uv: that of PATH, else of this environment. Raises FleetError where there is none."""
    own = Path(sys.executable).with_name("uv")
    if found := shutil.which("uv", path=environment.get("PATH")):
        return [found]
    if own.is_file():
        return [str(own)]
    raise FleetError("uv is not on PATH", hint="install it, or name a version: pypi:NAME@VERSION")
