"""`fleet new`: a server that can be worked on at once, or nothing."""

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from dev import home
from fleet import new_server
from fleet.errors import FleetError

from .conftest import STACK_FILE, Machine

LONGEST = "a" * 26 + "-bcd"


@pytest.fixture
def project(machine: Machine) -> Path:
    """A project folder with the settings that the checkout's tools read."""
    (machine.project / "servers").mkdir()
    (machine.project / "servers" / "conftest.py").symlink_to(home.CHECKOUT / "servers" / "conftest.py")
    (machine.project / "pyproject.toml").symlink_to(home.CHECKOUT / "pyproject.toml")
    return machine.project


def run(project: Path, *command: str) -> str:
    """Run a tool of the checkout's in the project; return what it says where it fails."""
    environment = {**os.environ, "PYTHONPATH": str(project)}
    ended = subprocess.run(
        [sys.executable, "-m", *command], cwd=project, env=environment, capture_output=True, text=True
    )
    return ended.stdout + ended.stderr if ended.returncode else ""


def left(project: Path) -> list[str]:
    return sorted(path.name for path in (project / "servers").iterdir() if path.name != "conftest.py")


@pytest.mark.timeout(600)
def test_a_new_server_has_its_line_and_passes_its_own_tests(machine: Machine, project: Path) -> None:
    result = machine.fleet("new", "slack-digest")
    assert result.exit_code == 0, result.stderr
    assert result.stdout == "slack-digest: ./servers/slack-digest\n"
    assert "    slack-digest: ./servers/slack-digest\n" in machine.stack_file.read_text()
    made = {str(path.relative_to(project)) for path in (project / "servers/slack-digest").rglob("*") if path.is_file()}
    files = ("settings", "server", "handlers", "models", "__main__")
    assert {f"servers/slack-digest/src/slack_digest/{name}.py" for name in files} <= made
    assert {f"servers/slack-digest/{name}" for name in ("README.md", ".env.example", "pyproject.toml")} <= made
    assert not any("example" in path for path in made - {"servers/slack-digest/.env.example"})
    assert run(project, "pytest", "-q", "--import-mode=importlib", "servers/slack-digest") == ""


@pytest.mark.parametrize("name", ["ab", "slack-digest", LONGEST])
def test_a_new_server_is_linted_whatever_its_name(machine: Machine, project: Path, name: str) -> None:
    assert machine.fleet("new", name).exit_code == 0
    assert run(project, "ruff", "check", "servers") == ""
    assert run(project, "ruff", "format", "--check", "servers") == ""


@pytest.mark.long
@pytest.mark.timeout(900)
def test_a_new_server_is_typed(machine: Machine, project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("slack-digest", "wiki"):
        assert machine.fleet("new", name).exit_code == 0
    sources = ":".join(map(str, (project / "servers").glob("*/src")))
    monkeypatch.setenv("MYPYPATH", f"{sources}:{home.CHECKOUT / 'chassis/src'}")
    assert run(project, "mypy", "--config-file", str(home.CHECKOUT / "pyproject.toml"), "servers") == ""


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("Slack", "'Slack' is no name of a server"),
        ("slack_digest", "small letters, digits and single hyphens"),
        ("slack--digest", "no name"),
        ("3d", "a letter first"),
        ("../slack", "no name"),
        ("slack/digest", "no name"),
        ("", "no name"),
        (LONGEST + "e", "30 at most"),
        ("redis", "what a part of the fleet is called"),
        ("class", "means something in Python"),
        ("json", "means something in Python"),
        ("mcp", "installed here"),
        ("time", "means something in Python"),
        ("git", "Pulumi.dev.yaml:8: there is a server 'git' already"),
    ],
)
def test_a_name_that_will_not_do_changes_nothing(machine: Machine, project: Path, name: str, said: str) -> None:
    result = machine.fleet("new", name)
    assert result.exit_code != 0
    assert said in result.stderr
    assert left(project) == []
    assert machine.stack_file.read_text() == STACK_FILE


@pytest.mark.parametrize("there", ["slack-digest", "slack_digest"])
def test_what_is_there_already_is_left_alone(machine: Machine, project: Path, there: str) -> None:
    (project / "servers" / there).mkdir()
    (project / "servers" / there / "mine").write_text("mine")
    result = machine.fleet("new", "slack-digest")
    assert result.exit_code == 1
    assert f"there is servers/{there} already" in result.stderr
    assert f"fleet add ./servers/{there}" in result.stderr
    assert [path.name for path in (project / "servers" / there).iterdir()] == ["mine"]


def test_a_stack_file_that_will_not_do_leaves_no_folder(machine: Machine, project: Path) -> None:
    machine.stack_file.write_text(STACK_FILE + "  mcp-fleet:prot: 1\n")
    result = machine.fleet("new", "slack-digest")
    assert result.exit_code == 1
    assert "prot" in result.stderr
    assert left(project) == []


@pytest.fixture
def nobody(project: Path) -> Iterator[None]:
    """Run as somebody who owns none of the project's files, and can reach them."""
    if os.geteuid() != 0:
        pytest.skip("only root can become somebody else")
    for folder in (project, *project.parents):
        if folder.stat().st_uid == 0 and folder != Path("/"):
            folder.chmod(folder.stat().st_mode | 0o055)
    os.seteuid(65534)
    try:
        yield
    finally:
        os.seteuid(0)


@pytest.mark.usefixtures("nobody")
@pytest.mark.parametrize("writable", ["nothing", "servers"])
def test_without_permission_nothing_is_left(project: Path, writable: str) -> None:
    os.seteuid(0)
    (project / "servers").chmod(0o777 if writable == "servers" else 0o755)
    os.seteuid(65534)
    with pytest.raises(FleetError, match=r"can't write .*: Permission denied"):
        new_server.new_server("slack-digest", project=project, stack="dev", environment={})
    assert left(project) == []


def test_the_plan_documents_name_for_it_is_the_same(project: Path) -> None:
    script = home.CHECKOUT / "scripts" / "scaffold_mcp_server.py"
    ended = subprocess.run([sys.executable, script, "Bad Name"], cwd=project, capture_output=True, text=True)
    assert ended.returncode == 1
    assert "'Bad Name' is no name of a server" in ended.stderr
