"""`fleet connect` without a name: all servers of a fleet on standard input and output, for the official client."""

import asyncio
import os
import sys
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path

import pytest
from mcp import Client, MCPError, StdioServerParameters
from mcp.client.stdio import stdio_client
from mcp_chassis.testing import ERAS, text, tool_error

from remote.tests.remote_server import Authority, Remote, remote

from .conftest import Machine

AWAY = "https://localhost:1/away/mcp"
KEY = "key-of-codex"


@pytest.fixture
def servers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[Remote, Remote]]:
    authority = Authority.made(tmp_path)
    monkeypatch.setenv("SSL_CERT_FILE", str(authority.bundle))
    with (
        remote(authority.context(), key=KEY) as one,
        remote(authority.context(), key="of another client") as other,
    ):
        yield one, other


def connected(
    machine: Machine, urls: dict[str, str], work: Callable[[Client], Awaitable[None]], *, mode: str = ERAS[1]
) -> str:
    """Do `work` with all servers, as the client codex. Returns what was said on stderr."""
    machine.pulumi({"urls": urls, "tokens": {"codex": KEY, "operator": "another"}})
    command = ["-m", "fleet", "-C", str(machine.project), "connect", "--client", "codex"]
    parameters = StdioServerParameters(command=sys.executable, args=command, env=dict(os.environ))

    async def run() -> None:
        with (machine.project / "said").open("w") as said:
            async with Client(stdio_client(parameters, errlog=said), mode=mode) as client:
                await work(client)

    asyncio.run(run())
    return (machine.project / "said").read_text()


@pytest.mark.parametrize("mode", ERAS)
def test_the_tools_of_all_servers_are_there_by_their_servers_names(
    machine: Machine, servers: tuple[Remote, Remote], mode: str
) -> None:
    one, other = servers
    urls = {"notes": one.url, "time-2": one.url, "closed": other.url, "away": AWAY}

    async def work(client: Client) -> None:
        tools = {tool.name for tool in (await client.list_tools()).tools}
        assert tools == {f"{name}__{tool}" for name in ("notes", "time-2") for tool in ("add", "secret_plans")}
        assert text(await client.call_tool("time-2__add", {"a": 2, "b": 3})) == "5"
        assert "validation error" in await tool_error(client, "notes__add", {"a": "two"})

    said = connected(machine, urls, work, mode=mode)
    assert "closed is left out: " in said
    assert "refused the credential (401)" in said
    assert "away is left out: " in said
    assert KEY not in said


def test_a_call_of_what_is_not_there_says_how_tools_are_named(machine: Machine, servers: tuple[Remote, Remote]) -> None:
    async def work(client: Client) -> None:
        for name in ("add", "tyme__add", "notes__"):
            with pytest.raises(MCPError, match="names are SERVER__TOOL, with servers away, notes"):
                await client.call_tool(name, {})
        with pytest.raises(MCPError, match="can't be reached"):
            await client.call_tool("away__add", {"a": 1, "b": 1})

    connected(machine, {"notes": servers[0].url, "away": AWAY}, work)


def test_a_fleet_in_which_nothing_runs_says_so(machine: Machine) -> None:
    machine.pulumi({"urls": {}, "tokens": {"operator": KEY}})
    result = machine.fleet("connect")
    assert result.exit_code == 1
    assert "no server runs in stack 'dev'" in result.stderr
