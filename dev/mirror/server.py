"""The mirror's registry: Debian's docker-registry on a port of this machine's loopback."""

import fcntl
import http.client
import shutil
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from dev import home
from dev.daemons import Daemon
from dev.errors import EngineError

FIRST_PORT = 5790
"""Taken if it is free when the mirror starts for the first time; the port in use is remembered."""
ANSWER_SECONDS = 5.0
MANIFEST_TYPES = (
    "application/vnd.oci.image.manifest.v1+json, application/vnd.oci.image.index.v1+json, "
    "application/vnd.docker.distribution.manifest.v2+json"
)
# Configuration: https://distribution.github.io/distribution/about/configuration/
CONFIGURATION = """\
version: 0.1
log:
  level: error
  accesslog:
    disabled: true
storage:
  filesystem:
    rootdirectory: {storage}
  delete:
    enabled: true
http:
  addr: 127.0.0.1:{port}
"""


def folder() -> Path:
    """Where the mirror keeps its images and what it knows about them."""
    return home.home() / "mirror"


def serve() -> str:
    """Start the registry, if it doesn't run, and wait until it answers.

    Returns:
        Its address, `127.0.0.1:PORT`: a mirror of docker.io for dockerd and buildkitd. The port stays the same as long
        as nothing else takes it while the mirror is down.

    Raises:
        EngineError: docker-registry is not installed, or it doesn't start.
    """
    folder().mkdir(parents=True, exist_ok=True)
    with exclusively("serve"):
        daemon = _daemon()
        port = _remembered_port()
        if daemon.pid() is not None and port is not None and answers(f"127.0.0.1:{port}"):
            return f"127.0.0.1:{port}"
        daemon.stop()
        if shutil.which(daemon.argv[0]) is None:
            raise EngineError("docker-registry: not found on PATH\n  install it: apt-get install docker-registry")
        port = _free_port(port or FIRST_PORT)
        home.replace(_port_file(), f"{port}\n")
        home.replace(_configuration(), CONFIGURATION.format(storage=folder() / "registry", port=port))
        daemon.start(lambda: answers(f"127.0.0.1:{port}"))
        return f"127.0.0.1:{port}"


def stop() -> bool:
    """Stop the registry, if we started it. Returns whether it ran."""
    return _daemon().stop()


def answers(address: str) -> bool:
    """Whether a registry answers at this address."""
    return _status(address, "/v2/") == http.HTTPStatus.OK


def is_registry(address: str) -> bool:
    """Whether a registry answers at this address, if only to ask for a login."""
    return _status(address, "/v2/") in (http.HTTPStatus.OK, http.HTTPStatus.UNAUTHORIZED)


def holds(address: str, repository: str, digest: str) -> bool:
    """Whether the registry has this manifest."""
    return _status(address, f"/v2/{repository}/manifests/{digest}") == http.HTTPStatus.OK


@contextmanager
def exclusively(what: str) -> Iterator[None]:
    """Let one process of this user at a time do `what`; others wait."""
    with (folder() / f"{what}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _daemon() -> Daemon:
    return Daemon("mirror", ("docker-registry", "serve", str(_configuration())))


def _configuration() -> Path:
    return folder() / "registry.yml"


def _port_file() -> Path:
    return folder() / "port"


def _remembered_port() -> int | None:
    try:
        return int(_port_file().read_text())
    except (FileNotFoundError, ValueError):
        return None


def _free_port(wanted: int) -> int:
    """`wanted`, or another one if something else has it."""
    for port in (wanted, 0):
        with socket.socket() as probe:
            # As the registry itself does: connections of its predecessor that still linger are no obstacle.
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            return int(probe.getsockname()[1])
    raise EngineError("no free port on 127.0.0.1 for the image mirror")


def _status(address: str, path: str) -> int | None:
    """The status of a HEAD request, or None if nothing answers."""
    connection = http.client.HTTPConnection(address, timeout=ANSWER_SECONDS)
    try:
        connection.request("HEAD", path, headers={"Accept": MANIFEST_TYPES})
        return connection.getresponse().status
    except (OSError, http.client.HTTPException):
        return None
    finally:
        connection.close()
