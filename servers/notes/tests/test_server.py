import asyncio
from pathlib import Path
from typing import Any

import pytest
from mcp import Client
from mcp.types import ToolAnnotations
from mcp_chassis import Chassis
from mcp_chassis.testing import ERAS, ServerProcess, tool_error, undescribed

from notes.server import VERSION, build
from notes.settings import NotesSettings

SERVER = ServerProcess("notes")


def in_memory(directory: Path) -> Client:
    """A client of a server in this process."""
    return Client(build(Chassis("notes", VERSION, NotesSettings(directory=directory))))


@pytest.mark.parametrize("mode", ERAS)
def test_a_note_is_added_found_and_deleted_in_both_eras(tmp_path: Path, mode: str) -> None:
    async def work(client: Client) -> None:
        text = " remember the milk "
        note: Any = (await client.call_tool("add_note", {"text": text, "tags": ["shop"]})).structured_content
        assert note["text"] == "remember the milk"
        found = await client.call_tool("search_notes", {"query": "milk"})
        assert found.structured_content == {"notes": [note]}
        listed = await client.call_tool("list_notes", {})
        assert listed.structured_content == {"notes": [note], "total": 1}
        await client.call_tool("delete_note", {"id": note["id"]})
        assert (await client.call_tool("list_notes", {})).structured_content == {"notes": [], "total": 0}

    SERVER.ask(work, mode=mode, NOTES_DIRECTORY=str(tmp_path / "data"))


def test_each_tool_says_what_it_does_to_the_notes(tmp_path: Path) -> None:
    async def run() -> None:
        async with in_memory(tmp_path) as client:
            assert await undescribed(client) == []
            tools = {tool.name: tool for tool in (await client.list_tools()).tools}
        assert set(tools) == {"add_note", "search_notes", "list_notes", "delete_note", "health"}
        assert all(tool.output_schema for tool in tools.values())
        hints = {name: tool.annotations or ToolAnnotations() for name, tool in tools.items()}
        assert {name for name, hint in hints.items() if hint.read_only_hint} == {"search_notes", "list_notes", "health"}
        assert {name for name, hint in hints.items() if hint.destructive_hint} == {"delete_note"}

    asyncio.run(run())


@pytest.mark.parametrize(
    ("tool", "arguments", "said"),
    [
        ("delete_note", {"id": 7}, "There is no note 7"),
        ("add_note", {"text": "  "}, "text"),
        ("search_notes", {"query": "x", "limit": 1000}, "limit"),
    ],
)
def test_a_wrong_call_is_a_tool_error_that_says_why(
    tmp_path: Path, tool: str, arguments: dict[str, Any], said: str
) -> None:
    async def run() -> None:
        async with in_memory(tmp_path) as client:
            assert said in await tool_error(client, tool, arguments)

    asyncio.run(run())


def test_a_directory_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    said = SERVER.refusal(NOTES_DIRECTORY=str(tmp_path / "file"))
    assert str(tmp_path / "file") in said
    assert "NOTES_DIRECTORY" in said
