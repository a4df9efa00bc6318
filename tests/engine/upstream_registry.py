"""A registry of somebody else on the machine's engine, with images that the test pushes there."""

import json
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import docker
import httpx2
from tenacity import Retrying, retry_if_exception_type, stop_after_delay, wait_fixed

from stacks.images import read_images
from tests.ports import free_port

from .deployment import ROOT

START_SECONDS = 60


@dataclass(frozen=True)
class UpstreamRegistry:
    """`address` is host:port; `environment` is that of the engine."""

    address: str
    environment: Mapping[str, str]

    def push(self, folder: Path, name: str, **build_args: str) -> str:
        """Build the Dockerfile in a folder, push it under this name, and return its digest."""
        builder = self.environment["BUILDX_BUILDER"]
        told = [f"--build-arg={key}={value}" for key, value in build_args.items()]
        with TemporaryDirectory() as made:
            metadata = Path(made) / "metadata.json"
            pushed = [f"--metadata-file={metadata}", "--provenance=false", "--push", f"--tag={self.address}/{name}"]
            done = subprocess.run(
                ["docker", "buildx", "build", f"--builder={builder}", *pushed, *told, str(folder)],
                env=dict(self.environment),
                capture_output=True,
                text=True,
                check=False,
            )
            assert done.returncode == 0, done.stderr
            return str(json.loads(metadata.read_text())["containerimage.digest"])


@contextmanager
def upstream_registry(environment: Mapping[str, str]) -> Iterator[UpstreamRegistry]:
    """Run a registry on a free port of this machine, without accounts, as long as the block takes."""
    engine = docker.DockerClient(base_url=environment.get("DOCKER_HOST"))
    address = f"localhost:{free_port()}"
    container = engine.containers.run(
        read_images(ROOT, environment)["registry"],
        environment={"REGISTRY_HTTP_ADDR": address, "OTEL_TRACES_EXPORTER": "none"},
        network_mode="host",
        detach=True,
    )
    try:
        patient = Retrying(
            retry=retry_if_exception_type(httpx2.HTTPError), stop=stop_after_delay(START_SECONDS), wait=wait_fixed(0.1)
        )
        patient(lambda: httpx2.get(f"http://{address}/v2/").raise_for_status())
        yield UpstreamRegistry(address, environment)
    finally:
        container.remove(force=True, v=True)
