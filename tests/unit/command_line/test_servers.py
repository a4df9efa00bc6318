"""`fleet add` and `fleet remove` on a real project folder."""

from typing import Any

import pytest

from .conftest import STACK_FILE, Machine


def test_add_writes_one_line_previews_and_says_what_is_next(machine: Machine) -> None:
    result = machine.fleet("add", "pypi:mcp-server-fetch")
    assert result.exit_code == 0, result.stderr
    assert result.stdout == "fetch: pypi:mcp-server-fetch@2026.10.19\n"
    assert "pulumi up -s dev" in result.stderr
    assert "    fetch: pypi:mcp-server-fetch@2026.10.19\n" in machine.stack_file.read_text()
    (call,) = machine.called("pulumi")
    assert call[0] == "preview"
    assert call[call.index("--policy-pack") + 1] == "policy"


def test_tools_that_can_not_be_recorded_keep_nobody_from_adding_a_server(machine: Machine) -> None:
    result = machine.fleet("add", "pypi:mcp-server-fetch")
    assert result.exit_code == 0, result.stderr
    assert "its tools are not recorded: the image of 'fetch' was not built:\n  Docker does not answer" in result.stderr
    assert "fleet tools lock fetch --stack dev" in result.stderr
    (call,) = machine.called("docker-buildx")
    assert "--build-arg=PACKAGE=mcp-server-fetch" in call
    assert "--build-arg=VERSION=2026.10.19" in call


def test_options_stand_in_the_line(machine: Machine) -> None:
    arguments = ("--name", "files", "--arg", "/data", "--env", "A=b=c", "--volume", "--constraint", "pydantic<2.12")
    result = machine.fleet("add", "pypi:some-files", *arguments)
    assert result.exit_code == 0, result.stderr
    assert result.stdout == (
        'files: {source: pypi:some-files@2026.10.19, args: [/data], env: {A: b=c}, constraints: ["pydantic<2.12"], '
        "volume: true}\n"
    )


def test_yes_deploys_after_the_preview(machine: Machine) -> None:
    assert machine.fleet("add", "pypi:mcp-server-fetch", "--yes").exit_code == 0
    assert [call[0] for call in machine.called("pulumi")] == ["preview", "stack", "up"]


def test_a_secret_that_is_not_set_is_asked_for_before_anything_is_deployed(machine: Machine) -> None:
    result = machine.fleet("add", "pypi:mcp-server-slack", "--secret", "SLACK_BOT_TOKEN", "--yes")
    assert result.exit_code == 0, result.stderr
    assert "secrets: [SLACK_BOT_TOKEN]" in result.stdout
    assert "pulumi config set --secret --path 'mcp-fleet:secrets.slack.SLACK_BOT_TOKEN' -s dev" in result.stderr
    assert machine.called("pulumi") == []


def test_a_remote_server_is_named_after_its_host_and_its_credential_is_asked_for(machine: Machine) -> None:
    result = machine.fleet("add", "https://mcp.linear.app/mcp", "--header", "Authorization=Bearer {LINEAR_API_KEY}")
    assert result.exit_code == 0, result.stderr
    assert "linear: {source: https://mcp.linear.app/mcp, headers: {Authorization:" in result.stdout
    assert "pulumi config set --secret --path 'mcp-fleet:secrets.linear.LINEAR_API_KEY' -s dev" in result.stderr


def test_a_secret_that_is_set_is_not_asked_for(machine: Machine) -> None:
    ready = STACK_FILE + "  mcp-fleet:secrets:\n    slack:\n      SLACK_BOT_TOKEN:\n        secure: v1:x:y\n"
    machine.stack_file.write_text(ready)
    result = machine.fleet("add", "pypi:mcp-server-slack", "--secret", "SLACK_BOT_TOKEN")
    assert result.exit_code == 0, result.stderr
    assert "config set" not in result.stderr


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("pypi:mcp-server-time",), "Pulumi.dev.yaml:7: there is a server 'time' already"),
        (("pypi:mcp-server-time@latest", "--name", "x"), "not one exact version"),
        (("./servers/nowhere",), "mcp-fleet:servers.nowhere.source"),
        (("pypi:x", "--name", "Not_A_Label"), "Not_A_Label"),
        (("pypi:x", "--name", "consul"), "consul"),
        (("npm:x", "--constraint", "y<2"), "constraints"),
        (("pypi:x", "--env", "A={{.Task.Slot}}"), "{{"),
        (("what:ever",), "what:ever"),
        (("http://mcp.example.com/mcp",), "TLS"),
        (("https://mcp.example.com/mcp", "--header", "X-Api-Key=hunter2"), "would stand in plain text"),
        (("https://mcp.example.com/mcp", "--volume"), "a remote server runs elsewhere"),
    ],
)
def test_bad_input_changes_nothing_and_says_what_to_do(machine: Machine, arguments: Any, said: str) -> None:
    result = machine.fleet("add", *arguments)
    assert result.exit_code == 1
    assert said in result.stderr
    assert "Traceback" not in result.stderr
    assert result.stdout == ""
    assert machine.stack_file.read_text() == STACK_FILE
    assert machine.called("pulumi") == []


def test_an_assignment_without_a_value_is_a_usage_error(machine: Machine) -> None:
    assert machine.fleet("add", "pypi:x", "--env", "A").exit_code == 2


def test_a_preview_that_fails_puts_the_file_back(machine: Machine) -> None:
    machine.pulumi({}, previews=False)
    result = machine.fleet("add", "pypi:mcp-server-fetch")
    assert result.exit_code == 1
    assert "left as it was" in result.stderr
    assert machine.stack_file.read_text() == STACK_FILE
    assert machine.fleet("add", "pypi:mcp-server-fetch", "--no-preview").exit_code == 0
    assert machine.stack_file.read_text() != STACK_FILE


def test_remove_takes_the_server_out_and_prints_its_line(machine: Machine) -> None:
    result = machine.fleet("remove", "memory")
    assert result.exit_code == 0, result.stderr
    assert result.stdout == (
        "memory: {source: npm:@modelcontextprotocol/server-memory@2026.8.31, args: [--verbose], volume: true}\n"
    )
    assert "memory" not in machine.stack_file.read_text()


@pytest.mark.parametrize(("server", "said"), [("tyme", "servers: git, memory, time"), ("time", "clients")])
def test_what_can_not_be_removed_stays(machine: Machine, server: str, said: str) -> None:
    result = machine.fleet("remove", server)
    assert result.exit_code == 1
    assert said in result.stderr
    assert machine.stack_file.read_text() == STACK_FILE
