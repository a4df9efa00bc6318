"""The server as a process, asked by the official client in both eras."""

from pathlib import Path
from typing import Any

import pytest
from mcp import Client
from mcp_chassis.testing import ERAS, ServerProcess, tool_error, undescribed

SERVER = ServerProcess("standards")


@pytest.fixture
def docs(tmp_path: Path) -> str:
    (tmp_path / "adr").mkdir()
    (tmp_path / "adr" / "1.md").write_text("# Use uv\n\nIt is fast.")
    (tmp_path / "style.md").write_text("# Style\n\nShort functions.\nNo flags.")
    return str(tmp_path)


@pytest.mark.parametrize("mode", ERAS)
def test_documents_are_listed_found_and_read_in_both_eras(docs: str, mode: str) -> None:
    async def work(client: Client) -> None:
        listed: Any = (await client.call_tool("list_documents", {"limit": 1, "offset": 1})).structured_content
        assert (listed["documents"][0]["path"], listed["total"]) == ("style.md", 2)
        found: Any = (await client.call_tool("search_documents", {"query": "flag"})).structured_content
        assert [match["path"] for match in found["matches"]] == ["style.md"]
        read: Any = (await client.call_tool("read_document", {"path": "style.md", "first_line": 4})).structured_content
        assert (read["text"], read["more"]) == ("No flags.", 0)

    SERVER.ask(work, mode=mode, MCP_STANDARDS_FOLDER=docs)


def test_a_folder_without_documents_makes_it_degraded_not_dead(tmp_path: Path) -> None:
    async def work(client: Client) -> None:
        health: Any = (await client.call_tool("health", {})).structured_content
        assert health["status"] == "degraded"
        assert "no documents" in health["components"]["documents"]["reason"]

    SERVER.ask(work, MCP_STANDARDS_FOLDER=str(tmp_path))


def test_each_tool_and_argument_is_described(docs: str) -> None:
    async def work(client: Client) -> None:
        assert await undescribed(client) == []

    SERVER.ask(work, MCP_STANDARDS_FOLDER=docs)


@pytest.mark.parametrize(
    ("tool", "arguments", "said"),
    [
        ("read_document", {"path": "../../etc/passwd"}, "list_documents returns the paths"),
        ("read_document", {"path": "stile.md"}, "Nearest: style.md"),
        ("read_document", {"path": "style.md", "first_line": 0}, "first_line"),
        ("search_documents", {"query": "  "}, "query"),
        ("list_documents", {"kind": "law"}, "'standard' or 'decision'"),
    ],
)
def test_a_wrong_call_is_a_tool_error_that_says_what_to_change(
    docs: str, tool: str, arguments: dict[str, object], said: str
) -> None:
    async def work(client: Client) -> None:
        assert said in await tool_error(client, tool, arguments)

    SERVER.ask(work, MCP_STANDARDS_FOLDER=docs)


def test_a_folder_that_is_not_there_ends_it_with_the_variables_name() -> None:
    said = SERVER.refusal(MCP_STANDARDS_FOLDER="/nowhere")
    assert said.startswith("standards: there is no folder /nowhere; set MCP_STANDARDS_FOLDER")
