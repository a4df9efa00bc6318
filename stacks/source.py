"""Where a server's code comes from: the `source` of a server in the stack config."""

import re
from dataclasses import dataclass
from typing import TypeAlias

from .image_reference import ImageReference, ImageReferenceError, parse_image_reference

EXAMPLES = (
    "pypi:mcp-server-time@2026.10.19",
    "npm:@modelcontextprotocol/server-memory@2026.8.31",
    "./servers/notes",
    "https://mcp.linear.app/mcp",
)
OCI_PREFIX = "oci:"
"""Before the reference of a container image."""
CATALOG_PREFIX = "catalog:"
"""Before the name of a server of the catalog: its entry there has the source."""
PATTERN = (
    r"^(pypi:[^@\s]+@[^@#\s]+(#\S+)?|npm:(@[^@/\s]+/)?[^@/\s]+@[^@#\s]+(#\S+)?"
    r"|oci:[^@#\s]+@sha256:[0-9a-f]{64}#\S+|\.{0,2}/\S*|https://[^\s/@?#]+(/[^\s#]*)?)$"
)
"""A coarse pattern for editors; `parse_source` is the judge."""

_KINDS = (
    "pypi:NAME@VERSION, npm:NAME@VERSION, catalog:NAME, oci:HOST/REPOSITORY@sha256:DIGEST#PROGRAM, ./path "
    "or https://HOST/PATH"
)
_URL = re.compile(r"https://(\[[0-9a-fA-F:]+\]|[A-Za-z0-9.-]+)(:[0-9]{1,5})?(/[\x21-\x22\x24-\x7e]*)?")
_PYPI_NAME = re.compile(r"[A-Za-z0-9]([A-Za-z0-9._-]*[A-Za-z0-9])?")  # PEP 508
_PYPI_VERSION = re.compile(r"v?(\d+!)?\d+(\.\d+)*((a|b|rc)\d+)?(\.post\d+)?(\.dev\d+)?(\+[a-z0-9.]+)?")  # PEP 440
_NPM_NAME = re.compile(r"(@[a-z0-9~-][a-z0-9._~-]*/)?[a-z0-9~-][a-z0-9._~-]*")
_NPM_VERSION = re.compile(r"\d+\.\d+\.\d+(-[0-9A-Za-z.-]+)?(\+[0-9A-Za-z.-]+)?")  # semver.org
_COMMAND = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._-]*")
_PROGRAM = re.compile(r"/?[A-Za-z0-9_.+-]+(/[A-Za-z0-9_.+-]+)*")
_DIGEST = "@sha256:"


class SourceError(ValueError):
    """A source that can't be read. The message says what is wrong and what to write instead."""


@dataclass(frozen=True, kw_only=True)
class PypiSource:
    """A package of the Python index, at one version. `command` is the console script to run."""

    package: str
    version: str
    command: str

    def __str__(self) -> str:
        return f"pypi:{self.package}@{self.version}"


@dataclass(frozen=True, kw_only=True)
class NpmSource:
    """A package of the npm registry, at one version. `command` is the name under which its program is linked."""

    package: str
    version: str
    command: str
    """The package's own name without its scope unless the source names one: as npx chooses."""

    def __str__(self) -> str:
        return f"npm:{self.package}@{self.version}"


@dataclass(frozen=True, kw_only=True)
class PathSource:
    """Own code: a folder with a pyproject.toml, relative to the project's root."""

    path: str

    def __str__(self) -> str:
        return self.path


@dataclass(frozen=True, kw_only=True)
class OciSource:
    """A container image, pinned by its digest."""

    image: ImageReference
    command: str
    """The program in it to run: a path, or a name on the image's own PATH."""

    @property
    def version(self) -> str:
        """What people call it: its tag, or else the beginning of its digest."""
        return self.image.tag or self.image.digest.removeprefix("sha256:")[:12]

    def __str__(self) -> str:
        return f"{OCI_PREFIX}{self.image}"


@dataclass(frozen=True, kw_only=True)
class RemoteSource:
    """A server that runs elsewhere: the URL at which it speaks MCP's streamable HTTP."""

    url: str

    def __str__(self) -> str:
        return self.url


Source: TypeAlias = PypiSource | NpmSource | OciSource | PathSource | RemoteSource


def parse_source(text: object) -> Source:
    """Read one of `pypi:NAME@VERSION[#command]`, `npm:NAME@VERSION[#command]`, `oci:IMAGE@DIGEST#program`, `./path`,
    `https://HOST/PATH`.

    Raises SourceError.

    What stands for `catalog:NAME` is in the catalog's entry: see stacks/catalog.py.
    """
    if not isinstance(text, str):
        raise SourceError(f"must be a text such as {EXAMPLES[0]}")
    if text.startswith(("./", "../", "/")):
        return PathSource(path=text)
    if text.startswith("https:"):
        return _parse_url(text)
    if text.startswith("http:"):
        raise SourceError("a remote server is reached by TLS alone; write https://HOST/PATH")
    if text.startswith(OCI_PREFIX):
        return _parse_image(text.removeprefix(OCI_PREFIX))
    kind, colon, rest = text.partition(":")
    if not colon or kind not in ("pypi", "npm"):
        raise SourceError(f"{text!r} is no source; write {_KINDS}")
    return _parse_package(kind, rest)


def _parse_url(text: str) -> RemoteSource:
    if "@" in text.partition("?")[0]:
        raise SourceError("a URL must hold no user and password; take them out, and use `headers` or `auth`")
    if not _URL.fullmatch(text):
        raise SourceError(f"{text!r} is no URL of a remote server; write for example {EXAMPLES[-1]}")
    return RemoteSource(url=text)


def _parse_image(text: str) -> OciSource:
    pinned, hash_sign, program = text.partition("#")
    if _DIGEST not in pinned:
        raise SourceError(
            f"{pinned!r} has no digest, so it may be another image tomorrow; let `fleet add {OCI_PREFIX}{pinned}` look "
            f"it up, or `docker buildx imagetools inspect {pinned}`; "
            f"then write {OCI_PREFIX}{pinned}{_DIGEST}DIGEST#PROGRAM"
        )
    try:
        image = parse_image_reference(pinned)
    except ImageReferenceError as error:
        raise SourceError(
            f"{error}: the registry's host first, such as ghcr.io or docker.io, and 64 hexadecimal digits last"
        ) from error
    if not hash_sign:
        raise SourceError(
            f"does not say which program of the image to run; write {OCI_PREFIX}{image}#PROGRAM, or let "
            f"`fleet add {OCI_PREFIX}{image}` look up what the image starts by itself"
        )
    if not _PROGRAM.fullmatch(program):
        raise SourceError(f"{program!r} is no program; after # stands a path in the image, or a name on its PATH")
    return OciSource(image=image, command=program)


def _parse_package(kind: str, rest: str) -> PypiSource | NpmSource:
    pinned, hash_sign, command = rest.partition("#")
    scope, name_and_version = ("@", pinned[1:]) if pinned.startswith("@") else ("", pinned)
    bare, _, version = name_and_version.partition("@")
    name = scope + bare
    name_pattern, version_pattern = (_PYPI_NAME, _PYPI_VERSION) if kind == "pypi" else (_NPM_NAME, _NPM_VERSION)
    if not name_pattern.fullmatch(name):
        raise SourceError(f"{name!r} is no name of a {kind} package; write for example {EXAMPLES[kind == 'npm']}")
    if not version:
        raise SourceError(
            f"has no version; write {kind}:{name}@VERSION, or let `fleet add {kind}:{name}` look the newest one up"
        )
    if not version_pattern.fullmatch(version):
        raise SourceError(
            f"{version!r} is not one exact version; write {kind}:{name}@VERSION, "
            f"or let `fleet add {kind}:{name}` look the newest one up"
        )
    if hash_sign and not _COMMAND.fullmatch(command):
        raise SourceError(f"{command!r} is no command name; after # stands the name of the program to run")
    if kind == "pypi":
        return PypiSource(package=name, version=version, command=command or name)
    return NpmSource(package=name, version=version, command=command or name.rsplit("/", 1)[-1])
