"""Images that are signed, unsigned, or signed by somebody else: the real cosign decides, before anything changes."""

import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from dev import go_tools
from dev.progress import Steps
from stacks.images import read_images

from .deployment import ROOT, Deployment
from .upstream_registry import upstream_registry

BARE_SERVER = Path(__file__).parent / "bare_server"
PASSWORD = {"COSIGN_PASSWORD": ""}


@pytest.fixture
def cosign(engine_environment: dict[str, str]) -> str:
    """The machine's cosign, or one that is built from its Go module."""
    if found := shutil.which("cosign", path=engine_environment["PATH"]):
        return found
    with Steps() as steps, steps.step("cosign") as step:
        go_tools.ensure([go_tools.COSIGN], step)
    return str(go_tools.COSIGN.path())


def run(cosign: str, folder: Path, *arguments: str, environment: dict[str, str]) -> None:
    done = subprocess.run(
        [cosign, *arguments], cwd=folder, env={**environment, **PASSWORD}, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr


@pytest.mark.long
def test_only_what_its_signer_signed_goes_up(
    make_deployment: Callable[[str], Deployment], engine_environment: dict[str, str], cosign: str, tmp_path: Path
) -> None:
    fleet = make_deployment("signed")
    for name in ("ours", "theirs"):
        run(cosign, tmp_path, "generate-key-pair", f"--output-key-prefix={name}", environment=engine_environment)
    shutil.copy(tmp_path / "ours.pub", fleet.directory)
    with upstream_registry(engine_environment) as upstream:
        node = read_images(ROOT, engine_environment)["node"]
        digests = {
            name: upstream.push(BARE_SERVER, f"acme/bare:{name}", NODE=node, NAME=name)
            for name in ("signed", "unsigned", "signed-by-them")
        }
        pushed = {name: f"{upstream.address}/acme/bare@{digest}" for name, digest in digests.items()}
        assert len(set(pushed.values())) == 3
        local = ("--tlog-upload=false", "--use-signing-config=false", "--yes")
        for key, name in (("ours", "signed"), ("theirs", "signed-by-them")):
            run(cosign, tmp_path, "sign", f"--key={key}.key", *local, pushed[name], environment=engine_environment)
        fleet.config["signatures"] = [
            {"images": f"{upstream.address}/acme/*", "key": "ours.pub", "transparency-log": False}
        ]
        fleet.config["require-signatures"] = True

        def with_image(name: str) -> None:
            fleet.config["servers"] = {"bare": {"source": f"oci:{pushed[name]}#/node", "args": ["/server.mjs"]}}

        for name in ("unsigned", "signed-by-them"):
            with_image(name)
            for operation in (fleet.stack.preview, fleet.stack.up):
                said = fleet.failing(operation)
                assert "servers.bare.source" in said
                assert f"{pushed[name]} has no signature that is accepted: " in said
        assert fleet.leftovers() == []
        fleet.write()
        added = fleet.fleet("add", f"oci:{pushed['unsigned']}#/node", "--name=other", "--no-preview", check=False)
        assert added.returncode == 1
        assert "other: " in added.stderr
        assert "has no signature that is accepted" in added.stderr
        with_image("signed")
        fleet.up()
        assert "surroundings" in fleet.fleet("call", "bare", "--list").stdout
    fleet.fleet("destroy", "--yes")
    assert fleet.leftovers() == [], "a registry that is away keeps no stack"
