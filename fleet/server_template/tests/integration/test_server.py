"""The server as a process, asked by the official client in both eras."""

import pytest
from mcp import Client
from mcp_chassis.testing import ERAS, ServerProcess, tool_error, undescribed

SERVER = ServerProcess("example_server")


@pytest.mark.parametrize("mode", ERAS)
def test_words_are_counted_in_both_eras(mode: str) -> None:
    async def work(client: Client) -> None:
        result = await client.call_tool("count_words", {"text": "to be or not to be", "frequent": 1})
        assert result.structured_content == {"words": 6, "lines": 1, "frequent": [{"word": "to", "times": 2}]}
        health = await client.call_tool("health", {})
        assert health.structured_content is not None
        assert health.structured_content["status"] == "healthy"

    SERVER.ask(work, mode=mode)


def test_each_tool_and_argument_is_described() -> None:
    async def work(client: Client) -> None:
        assert await undescribed(client) == []

    SERVER.ask(work)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [({"text": "four"}, "may have 3. Divide it"), ({"text": "x", "frequent": 101}, "frequent"), ({}, "text")],
)
def test_a_wrong_call_is_a_tool_error_that_says_what_to_change(arguments: dict[str, object], said: str) -> None:
    async def work(client: Client) -> None:
        assert said in await tool_error(client, "count_words", arguments)

    SERVER.ask(work, MCP_MAXIMUM_CHARACTERS="3")


def test_a_wrong_setting_ends_it_with_the_variables_name() -> None:
    said = SERVER.refusal(MCP_MAXIMUM_CHARACTERS="many")
    assert said.startswith("example-server: settings won't do: MCP_MAXIMUM_CHARACTERS")
