import asyncio
import os
import sys
from pathlib import Path

import pytest
from mcp import Client, StdioServerParameters

import notes
from notes.server import build
from notes.store import NoteStore


def over_stdio(directory: Path, *, mode: str) -> Client:
    """A client of the real server, in a process of its own."""
    source = str(Path(notes.__file__).parent.parent)
    environment = {"NOTES_DIRECTORY": str(directory), "PYTHONPATH": source, "PATH": os.environ["PATH"]}
    command = StdioServerParameters(command=sys.executable, args=["-m", "notes"], env=environment)
    return Client(command, mode=mode)


@pytest.mark.parametrize("mode", ["legacy", "2026-07-28"])
def test_a_note_is_added_found_and_deleted_in_both_eras(tmp_path, mode):
    async def run() -> None:
        async with over_stdio(tmp_path / "data", mode=mode) as client:
            added = await client.call_tool("add_note", {"text": " remember the milk ", "tags": ["shop"]})
            assert added.structured_content["text"] == "remember the milk"
            found = await client.call_tool("search_notes", {"query": "milk"})
            assert found.structured_content == {"notes": [added.structured_content]}
            listed = await client.call_tool("list_notes", {})
            assert listed.structured_content == {"notes": [added.structured_content], "total": 1}
            await client.call_tool("delete_note", {"id": added.structured_content["id"]})
            assert (await client.call_tool("list_notes", {})).structured_content == {"notes": [], "total": 0}

    asyncio.run(run())


def test_each_tool_says_what_it_does_to_the_notes(tmp_path):
    async def run() -> None:
        async with Client(build(NoteStore(tmp_path / "n"))) as client:
            tools = {tool.name: tool for tool in (await client.list_tools()).tools}
        assert set(tools) == {"add_note", "search_notes", "list_notes", "delete_note"}
        for tool in tools.values():
            assert tool.description
            assert tool.output_schema
            arguments = tool.input_schema["properties"]
            undescribed = [name for name in arguments if "description" not in arguments[name]]
            assert not undescribed, f"{tool.name}: no description of {undescribed}"
        reading = {name for name, tool in tools.items() if tool.annotations.read_only_hint}
        assert reading == {"search_notes", "list_notes"}
        assert {name for name, tool in tools.items() if tool.annotations.destructive_hint} == {"delete_note"}

    asyncio.run(run())


@pytest.mark.parametrize(
    ("tool", "arguments", "said"),
    [
        ("delete_note", {"id": 7}, "There is no note 7"),
        ("add_note", {"text": "  "}, "text"),
        ("search_notes", {"query": "x", "limit": 1000}, "limit"),
    ],
)
def test_a_wrong_call_is_a_tool_error_that_says_why(tmp_path, tool, arguments, said):
    async def run() -> None:
        async with Client(build(NoteStore(tmp_path / "n"))) as client:
            result = await client.call_tool(tool, arguments)
        assert result.is_error
        assert said in result.content[0].text

    asyncio.run(run())


def test_a_directory_that_cannot_be_written_is_named(tmp_path):
    (tmp_path / "file").write_text("in the way")

    async def run() -> tuple[int, str]:
        environment = {
            **os.environ,
            "NOTES_DIRECTORY": str(tmp_path / "file"),
            "PYTHONPATH": str(Path(notes.__file__).parent.parent),
        }
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "notes", env=environment, stderr=asyncio.subprocess.PIPE
        )
        _, errors = await process.communicate()
        return process.returncode, errors.decode()

    code, errors = asyncio.run(run())
    assert code == 1
    assert str(tmp_path / "file") in errors
    assert "NOTES_DIRECTORY" in errors
    assert "Traceback" not in errors
