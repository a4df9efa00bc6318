"""`fleet clients` and `fleet token`: what a client needs, and where its key may appear."""

import json
import tomllib
from typing import Any

import pytest

from .conftest import Machine

KEYS = {"codex": "key-of-codex", "ci-bot": "key-of-ci-bot", "operator": "key-of-operator"}
URLS = {name: f"http://localhost:8080/{name}/mcp" for name in ("time", "git", "memory")}


@pytest.fixture(autouse=True)
def deployed(machine: Machine) -> None:
    machine.pulumi({"stack": "dev", "gateway": "http://localhost:8080", "urls": URLS, "tokens": KEYS})


@pytest.mark.parametrize(
    ("client", "servers"), [("codex", ["git", "time"]), ("ci-bot", ["time"]), ("operator", ["git", "memory", "time"])]
)
def test_a_client_gets_the_servers_that_it_may_use(machine: Machine, client: str, servers: list[str]) -> None:
    result = machine.fleet("clients", client)
    assert result.exit_code == 0, result.stderr
    printed = json.loads(result.stdout)["mcpServers"]
    assert list(printed) == servers
    assert printed["time"] == {
        "type": "http",
        "url": URLS["time"],
        "headers": {"Authorization": "Bearer ${MCP_FLEET_TOKEN}"},
    }


def printed(machine: Machine, program: str, *options: str) -> Any:
    result = machine.fleet("clients", "ci-bot", "--for", program, *options)
    assert result.exit_code == 0, result.stderr
    return tomllib.loads(result.stdout) if program == "codex" else json.loads(result.stdout)


EXPECTED: dict[str, Any] = {
    "claude-code": {
        "mcpServers": {
            "time": {"type": "http", "url": URLS["time"], "headers": {"Authorization": "Bearer ${MCP_FLEET_TOKEN}"}}
        }
    },
    "codex": {"mcp_servers": {"time": {"url": URLS["time"], "bearer_token_env_var": "MCP_FLEET_TOKEN"}}},
    "cursor": {
        "mcpServers": {"time": {"url": URLS["time"], "headers": {"Authorization": "Bearer ${env:MCP_FLEET_TOKEN}"}}}
    },
    "vscode": {
        "inputs": [
            {"type": "promptString", "id": "MCP_FLEET_TOKEN", "description": "MCP_FLEET_TOKEN", "password": True}
        ],
        "servers": {
            "time": {
                "type": "http",
                "url": URLS["time"],
                "headers": {"Authorization": "Bearer ${input:MCP_FLEET_TOKEN}"},
            }
        },
    },
    "windsurf": {
        "mcpServers": {
            "time": {"serverUrl": URLS["time"], "headers": {"Authorization": "Bearer ${env:MCP_FLEET_TOKEN}"}}
        }
    },
}


@pytest.mark.parametrize("program", EXPECTED)
def test_each_program_gets_its_own_form_and_a_reference_to_the_key(machine: Machine, program: str) -> None:
    assert printed(machine, program) == EXPECTED[program]


LOCAL = """
config:
  mcp-fleet:servers:
    time: {source: "pypi:mcp-server-time@2026.8.0", args: [--verbose], constraints: [mcp<2], env: {ZONE: UTC}}
    pay: {source: "npm:@scope/pay@1.0.0", secrets: [PAY_KEY]}
    linear: {source: https://mcp.linear.app/mcp, headers: {Authorization: "Bearer {LINEAR_KEY}", X-Key: "{X_KEY}"}}
    memory: {source: "npm:memory@1.0.0", volume: true, env: {FILE: /data/memory.json}}
  mcp-fleet:secrets:
    pay: {PAY_KEY: {secure: x}}
    linear: {LINEAR_KEY: {secure: x}, X_KEY: {secure: x}}
"""


def test_local_development_needs_no_fleet_and_names_its_secrets(machine: Machine) -> None:
    machine.stack_file.write_text(LOCAL)
    result = machine.fleet("clients", "operator", "--local")
    assert result.exit_code == 0, result.stderr
    servers = json.loads(result.stdout)["mcpServers"]
    assert servers == {
        "linear": {
            "type": "http",
            "url": "https://mcp.linear.app/mcp",
            "headers": {"Authorization": "Bearer ${LINEAR_KEY}", "X-Key": "${X_KEY}"},
        },
        "pay": {
            "type": "stdio",
            "command": "npx",
            "args": ["--yes", "--package=@scope/pay@1.0.0", "pay"],
            "env": {"PAY_KEY": "${PAY_KEY}"},
        },
        "time": {
            "type": "stdio",
            "command": "uvx",
            "args": ["--from", "mcp-server-time==2026.8.0", "--with", "mcp<2", "mcp-server-time", "--verbose"],
            "env": {"ZONE": "UTC"},
        },
    }
    assert "left out: memory" in result.stderr
    assert "LINEAR_KEY, PAY_KEY, X_KEY" in result.stderr
    assert machine.called("pulumi") == []


def test_codex_gets_what_comes_out_of_variables_by_keys_of_their_own(machine: Machine) -> None:
    machine.stack_file.write_text(LOCAL)
    servers = tomllib.loads(machine.fleet("clients", "operator", "--local", "--for", "codex").stdout)["mcp_servers"]
    assert servers["linear"] == {
        "url": "https://mcp.linear.app/mcp",
        "bearer_token_env_var": "LINEAR_KEY",
        "env_http_headers": {"X-Key": "X_KEY"},
    }
    assert servers["pay"]["env_vars"] == ["PAY_KEY"]
    assert servers["time"]["env"] == {"ZONE": "UTC"}


def test_files_are_written_beside_each_other_and_never_over_another(machine: Machine) -> None:
    machine.stack_file.write_text(LOCAL)
    written = machine.fleet("clients", "operator", "--local", "--for", "cursor", "--write")
    assert written.exit_code == 0, written.stderr
    assert "pay" in json.loads((machine.project / ".cursor" / "mcp.json").read_text())["mcpServers"]
    dotenv = machine.project / ".env"
    assert dotenv.read_text() == "LINEAR_KEY=\nPAY_KEY=\nX_KEY=\n"
    assert dotenv.stat().st_mode & 0o077 == 0
    again = machine.fleet("clients", "operator", "--local", "--for", "cursor", "--write")
    assert again.exit_code == 1
    assert ".cursor/mcp.json is there already" in again.stderr


def test_a_program_that_is_none_is_told_the_known_ones(machine: Machine) -> None:
    result = machine.fleet("clients", "codex", "--for", "emacs")
    assert result.exit_code == 1
    assert "claude-code, codex, cursor, vscode, windsurf" in result.stderr


def test_a_server_that_does_not_run_yet_is_left_out(machine: Machine) -> None:
    machine.pulumi({"gateway": "http://localhost:8080", "urls": {"git": URLS["git"]}, "tokens": KEYS})
    assert list(json.loads(machine.fleet("clients", "codex").stdout)["mcpServers"]) == ["git"]


def test_the_list_tells_tier_limit_and_servers(machine: Machine) -> None:
    rows = [line.split() for line in machine.fleet("clients").stdout.splitlines()]
    assert ["codex", "pro", "600", "git,", "time"] in rows
    assert ["ci-bot", "free", "60", "time"] in rows
    assert json.loads(machine.fleet("clients", "--json").stdout)["operator"]["rpm"] is None


def test_only_token_prints_a_key_and_only_that(machine: Machine) -> None:
    assert machine.fleet("token", "codex").stdout == "key-of-codex\n"
    for arguments in (
        ["clients"],
        ["clients", "codex"],
        ["clients", "--json"],
        ["token", "codecks"],
        ["call", "x", "y"],
    ):
        result = machine.fleet(*arguments)
        assert "key-of" not in result.stdout + result.stderr, arguments


def test_no_key_is_asked_for_where_none_is_needed(machine: Machine) -> None:
    machine.fleet("clients", "codex")
    assert not [call for call in machine.called("pulumi") if "--show-secrets" in call]


@pytest.mark.parametrize("command", ["clients", "token"])
def test_an_unknown_client_is_told_the_known_ones(machine: Machine, command: str) -> None:
    result = machine.fleet(command, "codecks")
    assert result.exit_code == 1
    assert "codex" in result.stderr


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        ("error: no stack named 'dev' found", "there is no stack 'dev'"),
        ("error: incorrect passphrase, please set PULUMI_CONFIG_PASSPHRASE to the correct value", "can't decrypt"),
        ("error: something new\nmore of it", "something new"),
    ],
)
def test_what_pulumi_refuses_is_said_in_a_line(machine: Machine, said: str, expected: str) -> None:
    machine.program("pulumi", f"fail({said!r})")
    result = machine.fleet("token", "codex")
    assert result.exit_code == 1
    assert expected in result.stderr
    assert "hint:" in result.stderr
