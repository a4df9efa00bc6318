"""The server as a process, asked by the official client in both eras."""

import asyncio
import os
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest
from mcp import Client, StdioServerParameters
from mcp.types import TextContent

import costar

SOURCE = str(Path(costar.__file__).parent.parent)
ARGUMENTS = ["-m", "costar"]


def ask(work: Callable[[Client], Awaitable[None]], *, mode: str = "2026-07-28", **variables: str) -> None:
    async def run() -> None:
        environment = {**os.environ, "PYTHONPATH": SOURCE, **variables}
        command = StdioServerParameters(command=sys.executable, args=ARGUMENTS, env=environment)
        async with Client(command, mode=mode) as client:
            await work(client)

    asyncio.run(run())


@pytest.mark.parametrize("mode", ["legacy", "2026-07-28"])
def test_a_prompt_is_reviewed_and_written_in_both_eras(mode: str) -> None:
    async def work(client: Client) -> None:
        reviewed = (
            await client.call_tool("review_prompt", {"prompt": "Objective: name three rivers"})
        ).structured_content
        assert reviewed is not None
        assert [part["part"] for part in reviewed["parts"] if part["present"]] == ["objective"]
        written = await client.call_tool("write_prompt", {"objective": "Name three rivers.", "tone": "sober"})
        assert written.structured_content is not None
        assert written.structured_content["prompt"] == "# OBJECTIVE #\nName three rivers.\n\n# TONE #\nsober"
        prompt = await client.get_prompt("costar", {"objective": "Name three rivers."})
        (message,) = prompt.messages
        assert isinstance(message.content, TextContent)
        assert message.content.text == "# OBJECTIVE #\nName three rivers."

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
    ("tool", "arguments", "said"),
    [
        ("write_prompt", {"objective": " "}, "objective"),
        ("write_prompt", {"objective": "x", "context": "# Tone\nsober"}, "Put that into the part of its name"),
        ("write_prompt", {"objective": "x" * 20_001}, "20000"),
        ("review_prompt", {}, "prompt"),
    ],
)
def test_a_wrong_call_is_a_tool_error_that_says_what_to_change(
    tool: str, arguments: dict[str, object], said: str
) -> None:
    async def work(client: Client) -> None:
        result = await client.call_tool(tool, arguments)
        assert result.is_error
        (block,) = result.content
        assert isinstance(block, TextContent)
        assert said in block.text

    ask(work)
