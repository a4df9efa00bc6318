"""Where things are in a server's image: the bridge, and the server's command."""

from collections.abc import Sequence
from dataclasses import dataclass

from .health_check import BareHealthCheck, HealthCheck, bare_get, bash_get

PORT = 8080
_HEALTH = "/health"
_PREFIX = "/opt/mcp-fleet"
_LOADED = (f"{_PREFIX}/lib/ld.so", "--library-path", f"{_PREFIX}/lib")
"""How programs of the bridge's folder start: in an image with another libc, or with none."""


@dataclass(frozen=True, kw_only=True)
class ImageLayout:
    """How what is in an image is started.

    Attributes:
        bridge: the command line of the bridge, before its own arguments.
        commands: what stands before the server's command: a folder that ends with a slash, or nothing where the command
            is a path in the image by itself.
        health: how Docker finds out that the bridge serves.
    """

    bridge: Sequence[str]
    commands: str
    health: HealthCheck | BareHealthCheck


BUILT = ImageLayout(bridge=("/opt/bridge/bin/mcp-bridge",), commands="/opt/server/bin/", health=bash_get(PORT, _HEALTH))
"""Of an image that was built around the bridge: by path, python, node and remote.Dockerfile."""

# -I: the image may set PYTHONPATH and PYTHONHOME for a Python of its own.
EXTENDED = ImageLayout(
    bridge=(*_LOADED, f"{_PREFIX}/bin/python3", "-Iu", f"{_PREFIX}/bridge"),
    commands="",
    health=bare_get(PORT, _HEALTH, bash=(*_LOADED, f"{_PREFIX}/bin/bash")),
)
"""Of an image of somebody else that got the bridge on top: by oci.Dockerfile."""
