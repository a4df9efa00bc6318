"""What all commands have in common."""

import subprocess
import sys

import pytest
from typer.testing import CliRunner

from fleet.app import app

from .conftest import Machine

COMMANDS = [command.callback.__name__ for command in app.registered_commands if command.callback]


@pytest.mark.parametrize("command", COMMANDS)
def test_each_command_says_what_it_does_in_a_line_that_is_not_cut(command: str) -> None:
    listed = CliRunner().invoke(app, ["--help"]).stdout
    (line,) = (line for line in listed.splitlines() if line.split()[:1] == [command])
    assert not line.endswith("...")
    assert CliRunner().invoke(app, [command, "--help"]).exit_code == 0


@pytest.mark.parametrize("command", [name for name in COMMANDS if name not in ("clean", "engine")])
def test_each_command_with_a_choice_shows_examples(command: str) -> None:
    shown = CliRunner().invoke(app, [command, "--help"]).stdout
    assert "Examples:" in shown
    assert f"fleet {command}" in shown.split("Examples:")[1]


def test_help_and_completion_wait_for_no_heavy_import() -> None:
    heavy = ["pulumi", "mcp", "docker", "pydantic", "ruamel", "rich"]
    code = f"import sys, fleet.app; print([name for name in {heavy} if name in sys.modules])"
    printed = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert printed.strip() == "[]"


def test_a_wrong_option_is_a_usage_error(machine: Machine) -> None:
    assert machine.fleet("status", "--onec").exit_code == 2


def test_an_error_is_two_lines_on_stderr_without_a_traceback(machine: Machine) -> None:
    machine.pulumi({"urls": {"time": "http://localhost:8080/time/mcp"}, "tokens": {"operator": "key"}})
    result = machine.fleet("call", "tyme", "--list")
    assert result.exit_code == 1
    assert result.stdout == ""
    error, hint = result.stderr.splitlines()
    assert error == "error: no server 'tyme' in stack 'dev'"
    assert hint.startswith("hint: servers: time;")


def test_a_stack_without_a_file_is_named_with_those_that_have_one(machine: Machine) -> None:
    result = machine.fleet("add", "pypi:mcp-server-fetch", "--stack", "prod")
    assert result.exit_code == 1
    assert "Pulumi.prod.yaml" in result.stderr
    assert "stacks here: dev" in result.stderr


def test_the_project_is_found_from_a_folder_inside_it(machine: Machine, monkeypatch: pytest.MonkeyPatch) -> None:
    (machine.project / "servers" / "own").mkdir(parents=True)
    monkeypatch.chdir(machine.project / "servers" / "own")
    assert CliRunner().invoke(app, ["remove", "time", "--no-preview"]).exit_code == 1, "a client refers to it"
    assert CliRunner().invoke(app, ["remove", "memory", "--no-preview"]).exit_code == 0
    assert "memory" not in machine.stack_file.read_text()


@pytest.mark.parametrize(
    ("typed", "offered"),
    [
        ("fleet why ", {"time", "git", "memory"}),
        ("fleet call me", {"memory"}),
        ("fleet token c", {"ci-bot", "codex"}),
        ("fleet token o", {"operator"}),
        ("fleet up -s d", {"dev"}),
        ("fleet why -s other ", {"elsewhere"}),
    ],
)
def test_the_shell_completes_names_out_of_the_stack_file(
    machine: Machine, monkeypatch: pytest.MonkeyPatch, typed: str, offered: set[str]
) -> None:
    other = machine.project / "Pulumi.other.yaml"
    other.write_text("config:\n  mcp-fleet:servers:\n    elsewhere: pypi:x@1\n")
    monkeypatch.chdir(machine.project)
    words = {"_FLEET_COMPLETE": "complete_bash", "COMP_WORDS": typed, "COMP_CWORD": str(len(typed.split(" ")) - 1)}
    result = CliRunner().invoke(app, [], env=words, prog_name="fleet")
    assert set(result.stdout.split()) == offered
