"""`fleet env`: what makes plain docker and pulumi work on the project's own engine."""

import json
import subprocess
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path

import pytest

from dev import environment, reach
from dev.errors import EngineError
from dev.progress import Steps
from dev.reach import Reach
from dev.stack import deploy

Machine = Callable[[Reach], dict[str, str]]

BARE = Reach(None, buildx=False, own_possible=True, pulumi=None, docker_registry=False, pulumi_downloads=False)
LAPTOP = Reach(
    "unix:///var/run/docker.sock",
    buildx=True,
    own_possible=False,
    pulumi="3.272.0",
    docker_registry=True,
    pulumi_downloads=True,
)


@pytest.fixture
def machine(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Machine:
    monkeypatch.setenv("MCP_FLEET_HOME", str(tmp_path))

    def is_(found: Reach) -> dict[str, str]:
        (tmp_path / "reach.json").write_text(json.dumps(asdict(found)))
        return environment.environment({"PATH": "/usr/bin:/bin"})

    return is_


def test_a_bare_machine_has_everything_of_its_own(machine: Machine, tmp_path: Path) -> None:
    variables = machine(BARE)
    assert variables["DOCKER_HOST"] == f"unix://{tmp_path}/run/docker.sock"
    assert variables["DOCKER_CONFIG"] == f"{tmp_path}/docker-config"
    assert variables["MCP_FLEET_IMAGES_LOCK"] == f"{tmp_path}/images.lock.json"
    assert variables["PULUMI_BACKEND_URL"] == f"file://{tmp_path}/state"
    assert variables["PATH"].startswith(f"{tmp_path}/bin:")
    assert variables["PATH"].endswith("/.venv/bin:/usr/bin:/bin")


def test_a_laptop_keeps_its_own_docker_its_logins_and_the_official_images(machine: Machine) -> None:
    variables = machine(LAPTOP)
    assert variables["DOCKER_HOST"] == "unix:///var/run/docker.sock"
    assert not {"DOCKER_CONFIG", "MCP_FLEET_IMAGES_LOCK"} & variables.keys()


def test_a_docker_that_can_pull_nothing_gives_way_to_one_with_a_mirror_where_that_is_possible() -> None:
    offline = Reach(**{**asdict(LAPTOP), "docker_registry": False})
    assert not offline.own_engine
    assert not offline.image_mirror, "somebody else's engine can't be given a mirror"
    server = Reach(**{**asdict(offline), "own_possible": True})
    assert server.own_engine
    assert server.image_mirror


def test_a_docker_context_of_the_caller_does_not_count(machine: Machine) -> None:
    """The Docker provider would heed it before DOCKER_HOST."""
    assert machine(BARE)["DOCKER_CONTEXT"] == ""
    assert machine(LAPTOP)["DOCKER_CONTEXT"] == ""


def test_a_passphrase_of_ones_own_wins(machine: Machine) -> None:
    assert machine(BARE)["PULUMI_CONFIG_PASSPHRASE"] == "mcp-fleet-dev"
    assert environment.environment({"PULUMI_CONFIG_PASSPHRASE": "mine"})["PULUMI_CONFIG_PASSPHRASE"] == "mine"


def test_the_environment_applied_twice_is_the_same(machine: Machine) -> None:
    once = machine(BARE)
    assert environment.environment(once) == once


def test_a_shell_reads_the_exports_back_whatever_is_in_them() -> None:
    variables = {"ONE": 'it\'s $HOME `id`\nand "more"', "TWO": ""}
    script = environment.shell_exports(variables) + 'printf "%s|%s" "$ONE" "$TWO"'
    told = subprocess.run(["sh", "-c", script], capture_output=True, text=True, check=True).stdout
    assert told == f"{variables['ONE']}|"


def test_what_was_found_is_kept_until_it_is_forgotten(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("MCP_FLEET_HOME", str(tmp_path))
    answers = iter([BARE, LAPTOP])
    monkeypatch.setattr(reach, "reach", lambda: next(answers))
    assert reach.known() == reach.known() == BARE
    reach.forget()
    assert reach.known() == LAPTOP


def test_a_record_of_an_older_version_is_asked_anew(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("MCP_FLEET_HOME", str(tmp_path))
    (tmp_path / "reach.json").write_text('{"docker_host": null}')
    monkeypatch.setattr(reach, "reach", lambda: BARE)
    assert reach.known() == BARE


def test_a_shared_state_is_used_and_never_encrypted_with_the_published_passphrase(
    machine: Machine, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    machine(BARE)
    shared = {"PATH": "/usr/bin:/bin", "MCP_FLEET_BACKEND_URL": "s3://state"}
    variables = environment.environment(shared)
    assert variables["PULUMI_BACKEND_URL"] == "s3://state"
    assert "PULUMI_CONFIG_PASSPHRASE" not in variables
    with pytest.raises(EngineError, match="published"):
        environment.environment({**shared, "PULUMI_CONFIG_PASSPHRASE": environment.PASSPHRASE})
    monkeypatch.setenv("MCP_FLEET_BACKEND_URL", "s3://state")
    with pytest.raises(EngineError, match="fleet deploy"), Steps() as steps:
        deploy("prod", tmp_path, steps)
