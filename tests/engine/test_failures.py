"""What breaks says so, breaks alone, and the next good `up` mends it."""

import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from .calls import ask
from .conftest import MakeDeployment
from .deployment import ROOT, Deployment
from .killing import kill_session

pytestmark = pytest.mark.long

CRASHES = """
import sys
print("no such warehouse: set WAREHOUSE_URL", file=sys.stderr)
sys.exit(3)
"""
HANGS = """
import threading
threading.Event().wait()
"""
RUBBISH = """
import threading
print("Welcome to the warehouse! Loading…", flush=True)
print("=" * 40, flush=True)
threading.Event().wait()
"""
WAYS_TO_FAIL = {
    "crashes": (CRASHES, "no such warehouse: set WAREHOUSE_URL"),
    "hangs": (HANGS, "gave no answer"),
    "prints rubbish": (RUBBISH, "Welcome to the warehouse"),
}


def replace_server_code(project: Path, name: str, program: str) -> None:
    """Make servers/<name> a package whose console script runs this program."""
    folder = project / "servers" / name
    if folder.exists():
        shutil.rmtree(folder)
    (folder / "src" / name).mkdir(parents=True)
    (folder / "src" / name / "__init__.py").write_text(f"def main() -> None:\n    exec({program!r})\n")
    (folder / "pyproject.toml").write_text(
        f'[project]\nname = "{name}"\nversion = "1"\n[project.scripts]\n{name} = "{name}:main"\n'
        '[build-system]\nrequires = ["hatchling"]\nbuild-backend = "hatchling.build"\n'
    )


@pytest.fixture(scope="module")
def pair(make_deployment: MakeDeployment) -> Iterator[Deployment]:
    """A small stack of its own: `time`, and `notes` from code that the tests may spoil."""
    deployment = make_deployment("pair")
    notes = {"source": "./servers/notes", "env": {"NOTES_DIRECTORY": "/tmp"}, "start-seconds": 20}
    deployment.config |= {
        "clients": {"claude-code": {"tier": "enterprise"}},
        "servers": {"time": "pypi:mcp-server-time@2026.10.19", "notes": notes},
    }
    deployment.up()
    yield deployment
    deployment.destroy()
    assert deployment.leftovers() == []


def restore_notes(deployment: Deployment) -> None:
    folder = deployment.directory / "servers" / "notes"
    shutil.rmtree(folder)
    shutil.copytree(ROOT / "servers" / "notes", folder, ignore=shutil.ignore_patterns("__pycache__", "tests"))


def test_two_stacks_do_not_touch_each_other(fleet: Deployment, make_deployment: MakeDeployment) -> None:
    watched = {name: fleet.containers(name.removeprefix(f"{fleet.name}-")) for name in fleet.services()}
    second = make_deployment("second")
    second.config |= {
        "clients": {"codex": {"tier": "pro"}},
        "servers": {"time": fleet.config["servers"]["time"]},
    }
    second.up()
    assert "UTC" in ask(second.url("time"), second.token("codex"), "get_current_time", {"timezone": "UTC"}).text
    second.destroy()
    assert second.leftovers() == []
    assert {name: fleet.containers(name.removeprefix(f"{fleet.name}-")) for name in watched} == watched


def test_a_bad_release_is_rolled_back_while_the_old_one_serves(pair: Deployment) -> None:
    replace_server_code(pair.directory, "notes", CRASHES)
    said = pair.failing(pair.stack.up)
    assert "notes" in said
    assert "no such warehouse: set WAREHOUSE_URL" in said, "the reason comes from the server's own log"
    answer = ask(pair.url("notes"), pair.token("claude-code"), "list_notes", {})
    assert not answer.result.is_error
    restore_notes(pair)
    pair.up()
    assert pair.preview().steps == []


@pytest.mark.parametrize("way", WAYS_TO_FAIL)
def test_a_new_server_that_never_works_fails_alone(pair: Deployment, way: str) -> None:
    program, reason = WAYS_TO_FAIL[way]
    replace_server_code(pair.directory, "spoilt", program)
    others = {name: pair.containers(name) for name in ("time", "notes", "gateway")}
    broken = pair.with_server("spoilt", {"source": "./servers/spoilt", "start-seconds": 5})
    with pair.changed(servers=broken):
        started = time.monotonic()
        said = pair.failing(pair.stack.up)
        assert time.monotonic() - started < 120
        assert "spoilt" in said
        assert reason in said
        why = pair.fleet("why", "spoilt", check=False)
        assert why.returncode == 1
    assert {name: pair.containers(name) for name in others} == others
    pair.up()
    assert pair.preview().steps == []
    assert not [name for name in pair.leftovers() if "spoilt" in name]


@pytest.mark.parametrize("after", ["Service", "Secret", "Image"])
def test_an_up_that_was_killed_is_recovered_by_the_next(pair: Deployment, after: str) -> None:
    """Killed as soon as it creates something of this kind: nothing tells the engine that it was made."""
    with pair.changed(
        servers=pair.with_server("extra", {"source": pair.config["servers"]["time"], "env": {"CUT": after}})
    ):
        pair.write()
        command = [sys.executable, "-m", "fleet", "up", "--stack", pair.name]
        environment = {**pair.environment, "PYTHONPATH": str(ROOT), "PYTHONUNBUFFERED": "1"}
        with subprocess.Popen(
            ["pulumi", "up", "--yes", "--stack", pair.name, "--color", "never"],
            cwd=pair.directory,
            env=environment,
            stdout=subprocess.PIPE,
            text=True,
            start_new_session=True,
        ) as killed:
            assert killed.stdout is not None
            for line in killed.stdout:
                if "extra" in line and "creat" in line and after in line:
                    break
            kill_session(killed.pid)
        subprocess.run(command, cwd=pair.directory, env=environment, check=True, timeout=600)
        answer = ask(pair.url("extra"), pair.token("claude-code"), "get_current_time", {"timezone": "UTC"})
        assert "UTC" in answer.text
    pair.up()
    assert pair.preview().steps == []
