"""The registry behind ECR: Debian's docker-registry, on a port of this machine's loopback."""

import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from components.registry import htpasswd_line
from dev.cloud.aws_account import ACCOUNT
from dev.errors import EngineError
from dev.mirror import server

USER: Final = "AWS"
PASSWORD: Final = f"{ACCOUNT}-auth-token"
"""What moto's authorization token says."""
START_SECONDS: Final = 60.0
POLL_SECONDS: Final = 0.05
# Configuration: https://distribution.github.io/distribution/about/configuration/
CONFIGURATION: Final = """\
version: 0.1
log:
  level: error
  accesslog:
    disabled: true
storage:
  filesystem:
    rootdirectory: {folder}/images
http:
  addr: 127.0.0.1:{port}
auth:
  htpasswd:
    realm: ecr
    path: {folder}/htpasswd
"""


@contextmanager
def registry(folder: Path) -> Iterator[int]:
    """Serve a registry with ECR's login, its images in `folder`; gives its port.

    Raises:
        EngineError: It does not start.
    """
    folder.mkdir(parents=True)
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = int(probe.getsockname()[1])
    (folder / "htpasswd").write_text(htpasswd_line(USER, PASSWORD))
    (folder / "registry.yml").write_text(CONFIGURATION.format(folder=folder, port=port))
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(
            ["docker-registry", "serve", str(folder / "registry.yml")],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
        )
    try:
        deadline = time.monotonic() + START_SECONDS
        while not server.is_registry(f"127.0.0.1:{port}"):
            if process.poll() is not None or time.monotonic() > deadline:
                raise EngineError(f"ECR's registry did not start:\n{(folder / 'log').read_text()}")
            time.sleep(POLL_SECONDS)
        yield port
    finally:
        process.terminate()
        process.wait()
