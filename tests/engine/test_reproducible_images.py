"""Images are the same, to the byte, whenever they are built of the same."""

import json
import subprocess
from pathlib import Path

import pytest

from components.image import EPOCH
from fleet.tools_recording import Workshop, build_options
from stacks.config import ServerConfig, StackConfig, with_shorthand

from .deployment import ROOT

SECONDS = 900
LINES = {
    "a package of PyPI": {"source": "pypi:mcp-server-time@2026.10.19"},
    "a package of npm": {"source": "npm:@modelcontextprotocol/server-memory@2026.8.31"},
    "own code": {"source": "./servers/notes"},
}


def server(line: dict[str, object]) -> ServerConfig:
    return StackConfig.model_validate(with_shorthand({"servers": {"it": line}})).servers["it"]


def digest(options: list[str], workshop: Workshop, folder: Path, attempt: int) -> str:
    """Build an image with nothing from the cache; return its digest."""
    told, archive = folder / f"{attempt}.json", folder / f"{attempt}.tar"
    subprocess.run(
        [
            "docker-buildx",
            "build",
            "--no-cache",
            "--provenance=false",
            f"--metadata-file={told}",
            f"--output=type=oci,dest={archive},rewrite-timestamp=true",
            f"--build-arg=SOURCE_DATE_EPOCH={EPOCH}",
            *options,
        ],
        cwd=workshop.project,
        env=dict(workshop.environment),
        capture_output=True,
        check=True,
        timeout=SECONDS,
    )
    archive.unlink()
    return str(json.loads(told.read_text())["containerimage.digest"])


@pytest.mark.long
@pytest.mark.parametrize("line", LINES.values(), ids=LINES)
def test_the_same_inputs_give_the_same_digest(
    line: dict[str, object], engine_environment: dict[str, str], tmp_path: Path
) -> None:
    workshop = Workshop(project=ROOT, environment=engine_environment)
    options = build_options(server(line), workshop)
    assert digest(options, workshop, tmp_path, 1) == digest(options, workshop, tmp_path, 2)
