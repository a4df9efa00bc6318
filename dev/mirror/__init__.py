"""The image mirror: stand-ins for the official images, built from Debian packages, where no public registry is reached.

A registry on this machine serves them under the official names; our own dockerd and buildkitd use it as their mirror
of docker.io, and a lock of its own (`images.lock.json` in MCP_FLEET_HOME) replaces the checkout's, because the digests
differ. Nothing outside dev/ knows about it.
"""

from dev.mirror.ensure import PACKAGES, ensure
from dev.mirror.server import serve, stop

__all__ = ["PACKAGES", "ensure", "serve", "stop"]
