"""`fleet clients` and `fleet token`: what a client needs, and where its key may appear."""

import json

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
