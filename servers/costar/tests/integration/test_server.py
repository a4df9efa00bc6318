"""The server as a process, asked by the official client in both eras."""

import pytest
from mcp import Client
from mcp.types import TextContent
from mcp_chassis.testing import ERAS, ServerProcess, tool_error, undescribed

SERVER = ServerProcess("costar")


@pytest.mark.parametrize("mode", ERAS)
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

    SERVER.ask(work, mode=mode)


def test_each_tool_and_argument_is_described() -> None:
    async def work(client: Client) -> None:
        assert await undescribed(client) == []

    SERVER.ask(work)


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
        assert said in await tool_error(client, tool, arguments)

    SERVER.ask(work)
