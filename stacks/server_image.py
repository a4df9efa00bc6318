"""How the image of a server is built, from its line."""

from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Literal

import pulumi

from components.image import BaseImages, Platform, RegistryAccount, ServerImageArgs

from .config import ServerConfig, StackConfig
from .own_code import read_own_code
from .package_locks import existing_lock
from .source import NpmSource, PathSource, PypiSource

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
    if not isinstance(source, PypiSource | NpmSource):
        raise TypeError(f"{source} has no image of its own")
    kind: Literal["python", "node"] = "python" if isinstance(source, PypiSource) else "node"
    return origin(
        kind=kind,
        package=source.package,
        version=source.version,
        command=source.command,
        lock=existing_lock(source, root),
    )
