"""The server as a process, asked by the official client in both eras."""

import asyncio
import os
import subprocess
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest
from mcp import Client, StdioServerParameters
from mcp.types import TextContent

import example_server

SOURCE = str(Path(example_server.__file__).parent.parent)
ARGUMENTS = ["-m", "example_server"]


def ask(work: Callable[[Client], Awaitable[None]], *, mode: str = "2026-07-28", **variables: str) -> None:
    async def run() -> None:
        environment = {**os.environ, "PYTHONPATH": SOURCE, **variables}
        command = StdioServerParameters(command=sys.executable, args=ARGUMENTS, env=environment)
        async with Client(command, mode=mode) as client:
            await work(client)

    asyncio.run(run())


@pytest.mark.parametrize("mode", ["legacy", "2026-07-28"])
def test_words_are_counted_in_both_eras(mode: str) -> None:
    async def work(client: Client) -> None:
        result = await client.call_tool("count_words", {"text": "to be or not to be", "frequent": 1})
        assert result.structured_content == {"words": 6, "lines": 1, "frequent": [{"word": "to", "times": 2}]}
        health = await client.call_tool("health", {})
        assert health.structured_content is not None
        assert health.structured_content["status"] == "healthy"

    ask(work, mode=mode)


def test_each_tool_and_argument_is_described() -> None:
    async def work(client: Client) -> None:
        for tool in (await client.list_tools()).tools:
            assert tool.description, tool.name
            undescribed = [
                name for name, schema in tool.input_schema["properties"].items() if "description" not in schema
            ]
            assert undescribed == [], tool.name

    ask(work)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [({"text": "four"}, "may have 3. Divide it"), ({"text": "x", "frequent": 101}, "frequent"), ({}, "text")],
)
def test_a_wrong_call_is_a_tool_error_that_says_what_to_change(arguments: dict[str, object], said: str) -> None:
    async def work(client: Client) -> None:
        result = await client.call_tool("count_words", arguments)
        assert result.is_error
        (block,) = result.content
        assert isinstance(block, TextContent)
        assert said in block.text

    ask(work, MCP_MAXIMUM_CHARACTERS="3")


def test_a_wrong_setting_ends_it_with_the_variables_name() -> None:
    environment = {**os.environ, "PYTHONPATH": SOURCE, "MCP_MAXIMUM_CHARACTERS": "many"}
    command = [sys.executable, *ARGUMENTS]
    ended = subprocess.run(command, env=environment, stdin=subprocess.DEVNULL, capture_output=True, text=True)
    assert ended.returncode == 1
    assert ended.stderr.startswith("example-server: settings won't do: MCP_MAXIMUM_CHARACTERS")
