"""A Pulumi program on this machine's engine: whichever language host is in use must do all of this."""

import json
import os
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

import pytest

PROGRAM = """
import pathlib, sys, time
import pulumi
from pulumi.dynamic import CreateResult, Resource, ResourceProvider

config = pulumi.Config()
mode = config.get("mode")


class Provider(ResourceProvider):
    def create(self, props):
        if props["mode"] == "fail":
            raise RuntimeError("the disk is full")
        return CreateResult("one", props)


class Disk(Resource):
    def __init__(self, name, mode, hooks):
        super().__init__(Provider(), name, {"mode": mode}, pulumi.ResourceOptions(hooks=hooks))


def before(arguments):
    pulumi.log.info(f"before {arguments.name}")


def on_error(arguments):
    pulumi.log.error(f"last words of {arguments.name}")
    return False


print("printed by the program")
if mode == "refuse":
    raise pulumi.RunError("Pulumi.try.yaml: unknown key")
if mode == "hang":
    pathlib.Path(config.require("marker")).touch()
    time.sleep(600)
Disk(
    "disk",
    mode,
    pulumi.ResourceHookBinding(
        before_create=[pulumi.ResourceHook("before", before)], on_error=[pulumi.ErrorHook("error", on_error)]
    ),
)
pulumi.export("argv", len(sys.argv))
pulumi.export("secret", pulumi.Output.secret("hunter2"))
"""


@pytest.fixture
def environ(engine_environment: dict[str, str], tmp_path: Path) -> dict[str, str]:
    (tmp_path / "state").mkdir()
    return {**os.environ, **engine_environment, "PULUMI_BACKEND_URL": f"file://{tmp_path}/state"}


@pytest.fixture
def project(environ: dict[str, str], tmp_path: Path) -> Path:
    folder = tmp_path / "project"
    folder.mkdir()
    (folder / "Pulumi.yaml").write_text("name: try\nruntime: python\n")
    (folder / "__main__.py").write_text(PROGRAM)
    (folder / "dev").mkdir()
    (folder / "dev" / "__init__.py").write_text("raise RuntimeError('the project has a folder of this name too')\n")
    subprocess.run(["pulumi", "stack", "init", "try"], cwd=folder, env=environ, check=True, capture_output=True)
    return folder


def _up(project: Path, environ: dict[str, str], mode: str) -> subprocess.CompletedProcess[str]:
    argv = ["pulumi", "--non-interactive", "up", "--yes", "--skip-preview", "--config", f"mode={mode}"]
    return subprocess.run(argv, cwd=project, env=environ, capture_output=True, text=True)


def test_a_program_runs_with_its_hooks_its_prints_and_its_secrets(project: Path, environ: dict[str, str]) -> None:
    done = _up(project, environ, "good")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "printed by the program" in done.stdout
    assert "before disk" in done.stdout
    assert "hunter2" not in done.stdout
    outputs = ["pulumi", "stack", "output", "--json", "--show-secrets"]
    told = subprocess.run(outputs, cwd=project, env=environ, capture_output=True, text=True, check=True).stdout
    assert json.loads(told) == {"argv": 1, "secret": "hunter2"}


def test_a_failed_resource_calls_its_error_hook_and_the_engine_ends_at_once(
    project: Path, environ: dict[str, str]
) -> None:
    done = _up(project, environ, "fail")
    assert done.returncode != 0
    assert "the disk is full" in done.stdout
    assert "last words of disk" in done.stdout


def test_an_error_that_the_program_raises_on_purpose_is_told_without_a_traceback(
    project: Path, environ: dict[str, str]
) -> None:
    done = _up(project, environ, "refuse")
    assert done.returncode != 0
    assert "error: Pulumi.try.yaml: unknown key" in done.stdout
    assert "Traceback" not in done.stdout


def test_a_killed_engine_takes_its_language_host_along(project: Path, environ: dict[str, str], tmp_path: Path) -> None:
    marker = tmp_path / "marker"
    argv = ["pulumi", "up", "--yes", "--skip-preview", "--config", "mode=hang", "--config", f"marker={marker}"]
    with subprocess.Popen(
        argv, cwd=project, env=environ, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    ) as engine:
        assert _becomes_true(marker.exists)
        assert _processes_in(project)
        engine.kill()
    assert _becomes_true(lambda: not _processes_in(project))


def _becomes_true(condition: Callable[[], bool], seconds: float = 60) -> bool:
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.05)
    return True


def _processes_in(folder: Path) -> list[str]:
    """The processes, other than the engine itself, whose working folder this is."""
    found = []
    for link in Path("/proc").glob("[0-9]*/cwd"):
        try:
            name = (link.parent / "comm").read_text().strip()
            if link.readlink() == folder and name != "pulumi":
                found.append(name)
        except OSError:
            continue  # it ended meanwhile
    return found
