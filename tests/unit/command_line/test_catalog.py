"""`fleet catalog`, and `fleet add` of what is in it."""

import json

import pytest

from fleet import questions
from stacks.catalog import names

from .conftest import STACK_FILE, Machine

TOKEN = "github_pat_canary56789abcdefghij"


@pytest.fixture
def answering(machine: Machine, monkeypatch: pytest.MonkeyPatch) -> Machine:
    """A machine with somebody at its terminal, and a Pulumi that keeps secrets in the stack's file."""
    monkeypatch.setattr(questions, "on_terminal", lambda: True)
    machine.program(
        "pulumi",
        f"file = {str(machine.stack_file)!r}\n"
        "if argv[:2] == ['config', 'set']:\n"
        "    _, server, variable = argv[argv.index('--path') + 1].split('.')\n"
        "    secret = f'      {variable}:\\n        secure: v1:{len(stdin)}\\n'\n"
        "    open(file, 'a').write(f'  mcp-fleet:secrets:\\n    {server}:\\n{secret}')\n"
        "elif os.path.exists(file + '.refuse'):\n"
        "    fail('error: Docker does not answer')",
    )
    return machine


def test_search_finds_by_every_word(machine: Machine) -> None:
    result = machine.fleet("catalog", "search", "Vector", "search")
    assert result.exit_code == 0, result.stderr
    found = [line.split()[0] for line in result.stdout.splitlines()[1:]]
    assert {"qdrant", "weaviate"} <= set(found)
    assert "time" not in found


def test_search_without_words_lists_all_as_json(machine: Machine) -> None:
    listed = json.loads(machine.fleet("catalog", "search", "--json").stdout)
    assert [entry["name"] for entry in listed] == names()
    assert all(entry["license"] and entry["source"] for entry in listed)


def test_search_that_finds_nothing_says_what_else_there_is(machine: Machine) -> None:
    result = machine.fleet("catalog", "search", "teleportation")
    assert result.exit_code == 1
    assert "pypi:NAME" in result.stderr


def test_show_says_what_it_needs_and_where_that_comes_from(machine: Machine) -> None:
    result = machine.fleet("catalog", "show", "github")
    assert result.exit_code == 0, result.stderr
    for said in ("GITHUB_PERSONAL_ACCESS_TOKEN", "secret", "https://github.com/settings/tokens", "archived", "MIT"):
        assert said in result.stdout


def test_show_as_json_is_the_entry(machine: Machine) -> None:
    shown = json.loads(machine.fleet("catalog", "show", "catalog:github", "--json").stdout)
    assert shown["packages"][0]["identifier"] == "@modelcontextprotocol/server-github"


@pytest.mark.parametrize("command", [("catalog", "show"), ("add",)])
def test_an_unknown_name_comes_with_the_nearest(machine: Machine, command: tuple[str, ...]) -> None:
    result = machine.fleet(*command, "githb")
    assert result.exit_code == 1
    assert "did you mean 'github'?" in result.stderr
    assert machine.stack_file.read_text() == STACK_FILE


def test_add_of_what_needs_nothing_is_one_word(machine: Machine) -> None:
    result = machine.fleet("add", "sequential-thinking")
    assert result.exit_code == 0, result.stderr
    assert result.stdout == "sequential-thinking: catalog:sequential-thinking\n"
    assert [call[0] for call in machine.called("pulumi")] == ["preview"]


def test_without_a_terminal_add_prints_the_commands_that_set_secrets(machine: Machine) -> None:
    result = machine.fleet("add", "github", "--yes")
    assert result.exit_code == 0, result.stderr
    assert "pulumi config set --secret --path 'mcp-fleet:secrets.github.GITHUB_PERSONAL_ACCESS_TOKEN'" in result.stderr
    assert machine.called("pulumi") == []


def test_without_a_terminal_a_missing_variable_is_refused_with_what_to_write(machine: Machine) -> None:
    result = machine.fleet("add", "redis")
    assert result.exit_code == 1
    assert "needs REDIS_HOST" in result.stderr
    assert machine.stack_file.read_text() == STACK_FILE
    assert machine.fleet("add", "redis", "--env", "REDIS_HOST=redis.example.com").exit_code == 0


def test_on_a_terminal_add_asks_and_has_pulumi_encrypt_the_answer(answering: Machine) -> None:
    result = answering.fleet("add", "catalog:github", "--name", "gh", given=f"sk-wrong\n{TOKEN}\n")
    assert result.exit_code == 0, result.stderr
    assert "https://github.com/settings/tokens" in result.stderr
    assert "has not the form of GITHUB_PERSONAL_ACCESS_TOKEN: github_pat_xxxx" in result.stderr
    assert [call[0] for call in answering.called("pulumi")] == ["config", "preview"]
    assert f"secure: v1:{len(TOKEN)}" in answering.stack_file.read_text()
    assert TOKEN not in result.output + answering.calls.read_text()


def test_on_a_terminal_add_asks_for_plain_variables_too(answering: Machine) -> None:
    result = answering.fleet("add", "prometheus", given="prometheus:9090\nhttp://prometheus:9090\n")
    assert result.exit_code == 0, result.stderr
    assert result.stdout.endswith(
        "prometheus-mcp: {source: catalog:prometheus, env: {PROMETHEUS_URL: http://prometheus:9090}}\n"
    )


def test_an_empty_answer_leaves_the_secret_for_later(answering: Machine) -> None:
    result = answering.fleet("add", "github", given="\n")
    assert result.exit_code == 0, result.stderr
    assert "pulumi config set --secret" in result.stderr
    assert answering.called("pulumi") == []


def test_a_preview_that_fails_takes_the_secret_back_too(answering: Machine) -> None:
    answering.stack_file.with_name("Pulumi.dev.yaml.refuse").touch()
    result = answering.fleet("add", "github", given=f"{TOKEN}\n")
    assert result.exit_code == 1
    assert answering.stack_file.read_text() == STACK_FILE
