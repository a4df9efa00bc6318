"""Tags for registries that never take a second image under one tag."""

import shutil
from pathlib import Path

import pytest

from stacks.config import ServerConfig
from stacks.image_tags import _server_tag, content_tag, own_code_digest

from .stack_files import ROOT

IMAGES = {"python": "docker.io/library/python:3", "node": "docker.io/library/node:24"}
CONTEXTS = {"wire": "wire", "bridge": "bridge"}


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    for folder in ("images", "wire", "bridge", "chassis", "servers/notes"):
        shutil.copytree(ROOT / folder, tmp_path / folder, ignore=shutil.ignore_patterns("__pycache__", "tests"))
    return tmp_path


def tag(root: Path, *told: str, dockerfile: str = "python") -> str:
    return content_tag(root, dockerfile, CONTEXTS, told)


def test_the_same_content_has_the_same_tag_wherever_it_is(checkout: Path) -> None:
    assert tag(checkout, "time") == tag(ROOT, "time")


@pytest.mark.parametrize(
    "path", ["bridge/src/mcp_bridge/__init__.py", "images/python.Dockerfile", "wire/pyproject.toml"]
)
def test_another_content_has_another_tag(checkout: Path, path: str) -> None:
    before = tag(checkout)
    (checkout / path).write_text("changed")
    assert tag(checkout) != before


def test_another_package_or_dockerfile_has_another_tag(checkout: Path) -> None:
    assert len({tag(checkout, "time"), tag(checkout, "fetch"), tag(checkout, "time", dockerfile="node")}) == 3


def test_another_image_under_the_bridge_has_another_tag() -> None:
    tags = [
        _server_tag(ROOT, ServerConfig.model_validate({"source": f"oci:ghcr.io/a/b:v1@sha256:{digit * 64}#/b"}), IMAGES)
        for digit in "ab"
    ]
    assert tags[0] != tags[1]
    assert all(found.startswith("v1-") for found in tags)


def test_what_builds_do_not_see_changes_nothing(checkout: Path) -> None:
    before = tag(checkout)
    for path in ("bridge/src/mcp_bridge/__pycache__/x.pyc", "bridge/.venv/x", "wire/tests/test_x.py"):
        (checkout / path).parent.mkdir(parents=True, exist_ok=True)
        (checkout / path).write_text("x")
    assert tag(checkout) == before


@pytest.mark.parametrize("path", ["servers/notes/src/notes/server.py", "chassis/src/mcp_chassis/server.py"])
def test_what_a_server_of_our_own_lists_is_a_matter_of_its_code_and_the_chassis(checkout: Path, path: str) -> None:
    before = own_code_digest(checkout, "servers/notes")
    assert before == own_code_digest(ROOT, "servers/notes")
    (checkout / path).write_text("changed")
    assert own_code_digest(checkout, "servers/notes") != before
    (checkout / path).write_bytes((ROOT / path).read_bytes())
    (checkout / "bridge/src/mcp_bridge/__init__.py").write_text("changed")
    assert own_code_digest(checkout, "servers/notes") == before
