"""`python -m bench.catalog`: each server of the catalog that starts alone built, then all run on one machine.

A cold build has nothing of the server's own layers, but what the package clients keep of downloads; a warm one is the
same build again. Sizes are those of the compressed layers, as a registry has them. Prints Markdown.
"""

import json
import os
import subprocess
import tempfile
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from bench.operations import MEBIBYTE, UP, Figure, memory, operate, seconds, show
from dev import environment, lifecycle
from fleet.image_lookup import buildx_command
from fleet.tools_recording import Workshop, build_options
from stacks.catalog import read_entry
from stacks.catalog_entry import Entry
from stacks.config import ServerConfig
from tests.engine.catalog_servers import STARTING_ALONE, deploy, line
from tests.engine.deployment import ROOT, Deployment

SERVER_STAGE = "server-installed"


@dataclass(frozen=True, kw_only=True)
class Built:
    """The image of a server.

    Attributes:
        cold, warm: seconds that its builds took.
        layers: how large each is, in bytes, by digest.
    """

    cold: float
    warm: float
    layers: Mapping[str, int]

    @property
    def size(self) -> int:
        """Bytes of all its layers."""
        return sum(self.layers.values())


def build(entry: Entry, folder: Path, workshop: Workshop) -> Built:
    """Build a server's image twice, into a folder in OCI's layout, https://github.com/opencontainers/image-spec."""
    command = [*buildx_command(workshop.environment), "build", "--quiet"]
    options = build_options(ServerConfig.model_validate(line(entry)), workshop)
    output = f"--output=type=oci,tar=false,dest={folder}"

    def run(*more: str) -> None:
        subprocess.run(
            [*command, output, *more, *options],
            cwd=workshop.project,
            env=dict(workshop.environment),
            check=True,
            stdout=subprocess.DEVNULL,
        )

    cold = seconds(lambda: run(f"--no-cache-filter={SERVER_STAGE}"))
    return Built(cold=cold, warm=seconds(run), layers=_layers(folder))


def _layers(folder: Path) -> Mapping[str, int]:
    """The layers of the image that was written last."""
    index = json.loads((folder / "index.json").read_text())
    manifest = json.loads(_blob(folder, index["manifests"][-1]["digest"]).read_text())
    return {layer["digest"]: int(layer["size"]) for layer in manifest["layers"]}


def _blob(folder: Path, digest: str) -> Path:
    return folder / "blobs" / digest.replace(":", "/")


def images(entries: Iterable[Entry], workshop: Workshop) -> Mapping[str, Built]:
    """Build the image of each server."""
    built = {}
    for entry in entries:
        with tempfile.TemporaryDirectory() as folder:
            built[entry.label] = build(entry, Path(folder), workshop)
    return built


def running(entries: list[Entry], directory: Path) -> list[Figure]:
    """Bring all servers up at once, on this machine."""
    deployment = Deployment(f"bench-{os.getpid()}", directory, environment.environment())
    try:
        deploy(deployment, entries)
        what = f"all {len(entries)} servers"
        return [
            Figure(
                f"first `up` of {what}, layers cached, until each is healthy",
                f"{operate(deployment, *UP).seconds:.0f} s",
            ),
            Figure(f"memory of {what} and the platform at rest", f"{memory(deployment):.0f} MiB"),
            Figure(f"preview of {what}", f"{operate(deployment, 'preview').seconds:.1f} s"),
            Figure("`up` with nothing to do", f"{operate(deployment, *UP).seconds:.1f} s"),
        ]
    finally:
        deployment.destroy()


def main() -> None:
    """Measure and print."""
    lifecycle.engine_up()
    entries = [read_entry(name) for name in STARTING_ALONE]
    built = images(entries, Workshop(project=ROOT, environment=environment.environment()))
    print("| server | image, MiB | of it its own, MiB | cold build, s | warm, s |\n|---|---|---|---|---|")
    every = [digest for image in built.values() for digest in image.layers]
    for name, image in sorted(built.items(), key=lambda item: item[1].size):
        own = sum(size for digest, size in image.layers.items() if every.count(digest) == 1)
        print(f"| {name} | {image.size / MEBIBYTE:.0f} | {own / MEBIBYTE:.0f} | {image.cold:.1f} | {image.warm:.1f} |")
    total = sum(image.size for image in built.values())
    kept = sum({digest: size for image in built.values() for digest, size in image.layers.items()}.values())
    with tempfile.TemporaryDirectory() as directory:
        figures = running(entries, Path(directory))
    print()
    show(
        [
            Figure(f"the {len(built)} images, each by itself", f"{total / MEBIBYTE:.0f} MiB"),
            Figure("… as a registry keeps them, each layer once", f"{kept / MEBIBYTE:.0f} MiB"),
            *figures,
        ]
    )


if __name__ == "__main__":
    main()
