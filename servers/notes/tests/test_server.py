import asyncio
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from mcp import Client, StdioServerParameters
from mcp.types import TextContent, ToolAnnotations
from mcp_chassis import Chassis

import notes
from notes.server import VERSION, build
from notes.settings import NotesSettings


def in_memory(directory: Path) -> Client:
    """A client of a server in this process."""
    return Client(build(Chassis("notes", VERSION, NotesSettings(directory=directory))))


def over_stdio(directory: Path, *, mode: str) -> Client:
    """A client of the real server, in a process of its own."""
    source = str(Path(notes.__file__).parent.parent)
    environment = {"NOTES_DIRECTORY": str(directory), "PYTHONPATH": source, "PATH": os.environ["PATH"]}
    command = StdioServerParameters(command=sys.executable, args=["-m", "notes"], env=environment)
    return Client(command, mode=mode)


@pytest.mark.parametrize("mode", ["legacy", "2026-07-28"])
def test_a_note_is_added_found_and_deleted_in_both_eras(tmp_path: Path, mode: str) -> None:
    async def run() -> None:
        async with over_stdio(tmp_path / "data", mode=mode) as client:
            text = " remember the milk "
            note: Any = (await client.call_tool("add_note", {"text": text, "tags": ["shop"]})).structured_content
            assert note["text"] == "remember the milk"
            found = await client.call_tool("search_notes", {"query": "milk"})
            assert found.structured_content == {"notes": [note]}
            listed = await client.call_tool("list_notes", {})
            assert listed.structured_content == {"notes": [note], "total": 1}
            await client.call_tool("delete_note", {"id": note["id"]})
            assert (await client.call_tool("list_notes", {})).structured_content == {"notes": [], "total": 0}

    asyncio.run(run())


def test_each_tool_says_what_it_does_to_the_notes(tmp_path: Path) -> None:
    async def run() -> None:
        async with in_memory(tmp_path) as client:
            tools = {tool.name: tool for tool in (await client.list_tools()).tools}
        assert set(tools) == {"add_note", "search_notes", "list_notes", "delete_note", "health"}
        for tool in tools.values():
            assert tool.description
            assert tool.output_schema
            arguments = tool.input_schema["properties"]
            undescribed = [name for name in arguments if "description" not in arguments[name]]
            assert not undescribed, f"{tool.name}: no description of {undescribed}"
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
            result = await client.call_tool(tool, arguments)
        assert result.is_error
        (block,) = result.content
        assert isinstance(block, TextContent)
        assert said in block.text

    asyncio.run(run())


def test_a_directory_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")

    source = str(Path(notes.__file__).parent.parent)
    environment = {**os.environ, "NOTES_DIRECTORY": str(tmp_path / "file"), "PYTHONPATH": source}
    command = [sys.executable, "-m", "notes"]
    ended = subprocess.run(command, env=environment, stdin=subprocess.DEVNULL, capture_output=True, text=True)
    assert ended.returncode == 1
    assert str(tmp_path / "file") in ended.stderr
    assert "NOTES_DIRECTORY" in ended.stderr
    assert "Traceback" not in ended.stderr
