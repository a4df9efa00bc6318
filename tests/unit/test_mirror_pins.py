"""Re-resolving images.lock.json, with a `docker` on PATH that answers as buildx does."""

import json
from pathlib import Path

import pytest
from rich.console import Console

from dev.errors import EngineError
from dev.mirror import pins
from dev.progress import Steps

OLD, NEW = f"sha256:{'a' * 64}", f"sha256:{'b' * 64}"
PINS = {"redis": f"docker.io/library/redis:8@{OLD}", "registry": f"docker.io/library/registry:3@{OLD}"}


def manifest(*architectures: str) -> str:
    platforms = [{"digest": OLD, "platform": {"os": "linux", "architecture": each}} for each in architectures]
    return json.dumps({"digest": NEW, "manifests": platforms})


@pytest.fixture
def lock(tmp_path: Path) -> Path:
    path = tmp_path / "images.lock.json"
    path.write_text(json.dumps(PINS))
    return path


def answer(folder: Path, monkeypatch: pytest.MonkeyPatch, script: str) -> None:
    docker = folder / "docker"
    docker.write_text(f"#!/bin/sh\n{script}\n")
    docker.chmod(0o755)
    monkeypatch.setenv("PATH", str(folder), prepend=":")


def resolve(lock: Path) -> list[str]:
    with Steps(Console(quiet=True)) as steps, steps.step("pins") as step:
        return pins.resolve(step, lock)


def test_each_tag_gets_the_digest_of_its_index(lock: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    answer(
        tmp_path,
        monkeypatch,
        f"""
case "$*" in
  *redis:8) echo '{manifest("amd64", "arm64", "unknown")}' ;;
  *registry:3) echo '{manifest("amd64", "arm64").replace(NEW, OLD)}' ;;
  *) exit 1 ;;
esac""",
    )
    assert resolve(lock) == [f"docker.io/library/redis:8@{NEW}"]
    assert json.loads(lock.read_text()) == {**PINS, "redis": f"docker.io/library/redis:8@{NEW}"}


@pytest.mark.parametrize(
    ("script", "message"),
    [
        ("exit 1", "can't be resolved"),
        (f"echo '{manifest('arm64')}'", "not an image for both amd64 and arm64"),
        (f"""echo '{{"digest": "{NEW}"}}'""", "not an image for both amd64 and arm64"),
    ],
)
def test_the_lock_stays_as_it_is_when_a_tag_has_no_good_answer(
    lock: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, script: str, message: str
) -> None:
    before = lock.read_text()
    answer(tmp_path, monkeypatch, script)
    with pytest.raises(EngineError, match=message):
        resolve(lock)
    assert lock.read_text() == before
