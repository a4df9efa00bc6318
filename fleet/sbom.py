"""What the images of a stack's servers are made of: by locks and pins, before anything is built."""

import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from pydantic import BaseModel, ConfigDict, ValidationError

from fleet.cyclonedx_bill import Bill
from fleet.errors import FleetError
from stacks.config import ServerConfig
from stacks.image_reference import ImageReference, parse_image_reference
from stacks.package_locks import PackageLockError, command, locked_packages, locked_requirements, mismatch
from stacks.source import NpmSource, OciSource, PathSource, PypiSource, RemoteSource

CHASSIS = "chassis"
CHASSIS_PACKAGE = "mcp-chassis"
OWN_LOCK = "requirements.lock"


class UnknownContentError(Exception):
    """What an image would install can't be told. The message says why and what to do."""


class _Project(BaseModel):
    """What pyproject.toml says of a Python project: https://packaging.python.org/en/latest/specifications/pyproject-toml/."""

    model_config = ConfigDict(frozen=True)

    name: str
    version: str = "0"
    dependencies: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Ground:
    """What all images of a stack are built from.

    Attributes:
        stack: its name.
        project: the folder of Pulumi.yaml.
        python: the image under all servers.
        node: the image that servers of npm get Node from.
    """

    stack: str
    project: Path
    python: ImageReference
    node: ImageReference

    @classmethod
    def of(cls, stack: str, project: Path, images: Mapping[str, str]) -> "Ground":
        """Return it with the pinned `images` by name. Raises ImageReferenceError."""
        python, node = (parse_image_reference(images[name]) for name in ("python", "node"))
        return cls(stack=stack, project=project, python=python, node=node)


def bill_of_materials(servers: Mapping[str, ServerConfig], ground: Ground) -> str:
    """Return the bill of the images of `servers`, as CycloneDX 1.6 in JSON: the same inputs give the same bytes.

    The hashes of a package are those of all files that may be installed for it, one for each platform and format.

    Raises:
        FleetError: what some servers install can't be told; all of them are named.
    """
    writer = _Writer(ground)
    images: list[str] = []
    unknown: list[str] = []
    for name, server in servers.items():
        try:
            images.append(writer.add_server(name, server))
        except (UnknownContentError, PackageLockError) as error:
            unknown.append(f"{name}: {error}")
    if unknown:
        raise FleetError("\n".join(unknown), hint="no bill was written, as it would leave something out")
    return writer.bill.text(ground.stack, images)


@dataclass
class _Writer:
    """Writes servers into a bill."""

    ground: Ground
    bill: Bill = field(default_factory=Bill)

    def add_server(self, name: str, server: ServerConfig) -> str:
        """Add the image of a server and what is in it; return its reference."""
        parts = [*self._own_parts(name, server), self.bill.add_image(self.ground.python), self._bridge]
        parts += [self.bill.add_debian(package) for package in server.packages]
        image = self.bill.add_server(name, self._version(server), str(server.source))
        self.bill.put(parts, image)
        return image

    def _own_parts(self, name: str, server: ServerConfig) -> Iterator[str]:
        source = server.source
        if isinstance(source, RemoteSource):
            yield self.bill.add_remote(name, source.url)
            yield self._part_of_repository("remote")
        elif isinstance(source, PathSource):
            yield from self._own_code(source.path)
        elif isinstance(source, OciSource):
            yield self.bill.add_image(source.image)
        else:
            yield from self._locked(name, server, source)

    def _locked(self, name: str, server: ServerConfig, source: PypiSource | NpmSource) -> Iterator[str]:
        remake = f"make it: {command(name, self.ground.stack)}"
        packages = locked_packages(source, self.ground.project)
        if packages is None:
            raise UnknownContentError(f"its package has no lock, so what it installs is not known; {remake}")
        if why := mismatch(server, self.ground.project):
            raise UnknownContentError(f"{why}; {remake}")
        if isinstance(source, PypiSource):
            yield from map(self.bill.add_pypi, packages)
        else:
            yield from map(self.bill.add_npm, packages)
            yield self.bill.add_image(self.ground.node)

    def _own_code(self, path: str) -> Iterator[str]:
        """Yield a server of ours and what it is built with, as images/path.Dockerfile does."""
        own = f"{path}/{OWN_LOCK}"
        lock = own if (self.ground.project / own).is_file() else f"{CHASSIS}/{OWN_LOCK}"
        packages = locked_requirements(lock, self.ground.project)
        wanted = {canonicalize_name(Requirement(text).name) for text in self._project(path).dependencies}
        if loose := wanted - {CHASSIS_PACKAGE} - {package.name for package in packages}:
            raise UnknownContentError(
                f"{path}/pyproject.toml depends on {min(loose)}, which {lock} does not have; pin it: uv pip compile "
                f"--universal --generate-hashes --no-emit-package {CHASSIS_PACKAGE} {path}/pyproject.toml -o {own}"
            )
        yield self._folder(path)
        if CHASSIS_PACKAGE in wanted:
            yield self._folder(CHASSIS)
        if CHASSIS_PACKAGE in wanted or lock == own:
            yield from map(self.bill.add_pypi, packages)

    @cached_property
    def _bridge(self) -> str:
        bridge = self._part_of_repository("bridge")
        self.bill.put([self._folder("wire")], bridge)
        return bridge

    def _part_of_repository(self, folder: str) -> str:
        part = self._folder(folder)
        locked = locked_requirements(f"{folder}/{OWN_LOCK}", self.ground.project)
        self.bill.put(map(self.bill.add_pypi, locked), part)
        return part

    def _folder(self, path: str) -> str:
        project = self._project(path)
        return self.bill.add_own_code(path, project.name, project.version)

    def _version(self, server: ServerConfig) -> str:
        match server.source:
            case PypiSource(version=version) | NpmSource(version=version):
                return version
            case OciSource() as source:
                return source.version
            case PathSource(path=path):
                return self._project(path).version
        return ""

    def _project(self, path: str) -> _Project:
        file = self.ground.project / path / "pyproject.toml"
        try:
            return _Project.model_validate(tomllib.loads(file.read_text(encoding="utf-8"))["project"])
        except (OSError, tomllib.TOMLDecodeError, KeyError, ValidationError) as error:
            raise UnknownContentError(f"{path}/pyproject.toml can't be read: {error}; restore it") from error
