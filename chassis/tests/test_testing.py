"""What the tests of servers stand on fails where it should."""

import asyncio
from pathlib import Path

import pytest
from mcp import Client
from mcp_chassis.testing import ServerProcess, tool_error, undescribed

SERVER = ServerProcess("example_server", source=Path(__file__).parent)


def test_what_a_model_is_not_told_is_named() -> None:
    async def work(client: Client) -> None:
        assert await undescribed(client) == ["greet.name", "read.page"]

    SERVER.ask(work)


def test_a_call_that_should_fail_and_a_server_that_should_not_start_fail_the_test() -> None:
    async def run() -> None:
        async with SERVER.client() as client:
            with pytest.raises(AssertionError, match="greet took"):
                await tool_error(client, "greet", {"name": "you"})

    asyncio.run(run())
    with pytest.raises(AssertionError, match="example_server ended with 0"):
        SERVER.refusal()


def test_a_server_does_not_get_what_is_set_where_its_tests_run(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MCP_LOG_LEVEL", "loud")
    with pytest.raises(AssertionError, match="ended with 0"):
        SERVER.refusal()


def test_a_module_that_is_not_there_is_named() -> None:
    with pytest.raises(ModuleNotFoundError, match="'no_such_server'"):
        ServerProcess("no_such_server").client()
