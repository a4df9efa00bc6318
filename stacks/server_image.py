"""How the image of a server is built, from its line."""

from collections.abc import Sequence
from functools import partial
from pathlib import Path

import pulumi

from components.image import BaseImages, Kind, Platform, RegistryAccount, ServerImageArgs, layout

from .config import ServerConfig, StackConfig
from .own_code import read_own_code
from .package_locks import existing_lock
from .source import NpmSource, OciSource, PathSource, PypiSource

BUILDER_VARIABLE = "BUILDX_BUILDER"
DEFAULT_BUILDER = "mcp-fleet"


REMOTE = "remote"
"""The image of all remote servers."""


def image_names(config: StackConfig) -> list[str]:
    """Return the names of the images that a stack builds: its servers', the gateway's, that of all remote servers."""
    own = [name for name, server in config.servers.items() if not server.remote]
    return [*own, "gateway", *([REMOTE] if len(own) < len(config.servers) else [])]


def server_image_args(
    server: ServerConfig,
    root: Path,
    *,
    bases: BaseImages,
    registry: RegistryAccount,
    builder: pulumi.Input[str],
    tag: str = "",
    platforms: Sequence[Platform] = (),
) -> ServerImageArgs:
    """Return the arguments of a server's image; those that are not of its line are as in ServerImageArgs.

    Arguments:
        root: the folder of Pulumi.yaml.

    Raises:
        OwnCodeError: The line names a folder that is no server.
        TypeError: It is a remote server, which has no image of its own.
    """
    origin = partial(
        ServerImageArgs,
        constraints=server.constraints,
        packages=server.packages,
        install_scripts=server.install_scripts,
        bases=bases,
        registry=registry,
        builder=builder,
        tag=tag,
        platforms=platforms,
    )
    source = server.source
    if isinstance(source, PathSource):
        own = read_own_code(root / source.path)
        return origin(kind="path", path=source.path, command=own.command, version=own.version)
    if isinstance(source, OciSource):
        return origin(kind="oci", origin=str(source.image), command=source.command, version=source.version)
    if not isinstance(source, PypiSource | NpmSource):
        raise TypeError(f"{source} has no image of its own")
    kind: Kind = "python" if isinstance(source, PypiSource) else "node"
    return origin(
        kind=kind,
        package=source.package,
        version=source.version,
        command=source.command,
        lock=existing_lock(source, root),
    )


def program(server: ServerConfig, root: Path) -> str:
    """Return what a server's command is called in its image: a path, or a name on the image's own PATH.

    Raises:
        OwnCodeError: The line names a folder that is no server.
        TypeError: It is a remote server, which has no image of its own.
    """
    source = server.source
    match source:
        case OciSource(command=command):
            return f"{layout('oci').commands}{command}"
        case PathSource(path=path):
            return f"{layout('path').commands}{read_own_code(root / path).command}"
        case PypiSource(command=command) | NpmSource(command=command):
            return f"{layout('python').commands}{command}"
    raise TypeError(f"{source} has no image of its own")
