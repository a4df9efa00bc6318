"""How the image of a server is built, from its line."""

from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Literal

import pulumi

from components.image import BaseImages, Platform, RegistryAccount, ServerImageArgs

from .config import ServerConfig
from .own_code import read_own_code
from .source import PathSource, PypiSource

BUILDER_VARIABLE = "BUILDX_BUILDER"
DEFAULT_BUILDER = "mcp-fleet"


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
    kind: Literal["python", "node"] = "python" if isinstance(source, PypiSource) else "node"
    return origin(kind=kind, package=source.package, version=source.version, command=source.command)
