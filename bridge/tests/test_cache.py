"""Results that serve again, as clients see them: a real bridge with --cache memory, and one without."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from mcp_wire import tools

from bridge.tests.rig import HTTP, Bridge, bridge, open_session, post, server, text_of, tool

TOKEN = "s3cret-gateway-token"


@pytest.fixture
def caching(tmp_path: Path) -> Iterator[Bridge]:
    (tmp_path / "token").write_text(TOKEN)
    options = ("--gateway-token-file", str(tmp_path / "token"), "--host", "127.0.0.1", "--mode", "shared")
    with bridge(*server("session_era"), options=(*options, "--cache", "memory")) as running:
        running.wait_ready()
        yield running


def client(name: str = "codex", *allowed: str) -> dict[str, str]:
    """Return what the gateway sends along."""
    restricted = {"x-mcp-tools": tools.encode(allowed)} if allowed else {}
    return {"x-mcp-gateway-token": TOKEN, "x-mcp-client": name, **restricted}


def call(running: Bridge, name: str, /, headers: dict[str, str] | None = None, **arguments: Any) -> str:
    return text_of(post(running, "tools/call", tool(name, **arguments), headers=headers or client(), modern=True))


def session(running: Bridge, name: str = "codex") -> dict[str, str]:
    params = {"protocolVersion": "2025-11-25", "capabilities": {}, "clientInfo": {"name": "t", "version": "1"}}
    answer = post(running, "initialize", params, headers=client(name))
    return {**client(name), "mcp-session-id": answer.headers["mcp-session-id"], "mcp-protocol-version": "2025-11-25"}


def hits(running: Bridge, method: str) -> int:
    page = HTTP.get(f"{running.url}/metrics").text
    found = re.search(rf'^mcp_cache_hits_total\{{method="{method}",server="[^"]+"\}} (\d+)', page, re.MULTILINE)
    return int(found[1]) if found else 0


def test_a_repeatable_tool_is_called_once_for_the_same_arguments_of_a_client(caching: Bridge) -> None:
    assert [call(caching, "look", at=1) for _ in range(3)] == ["1", "1", "1"]
    assert call(caching, "look", at=2) == "2"
    assert call(caching, "look", client("other"), at=1) == "3"
    in_session = post(caching, "tools/call", tool("look", at=1), headers=session(caching))
    assert text_of(in_session) == "1"
    assert set(in_session.json()["result"]) == {"content", "isError"}
    assert hits(caching, "tools/call") == 3


def test_a_tool_that_does_not_declare_both_hints_is_called_each_time(caching: Bridge) -> None:
    assert [call(caching, "glance") for _ in range(3)] == ["1", "2", "3"]
    assert [call(caching, "count") for _ in range(3)] == ["1", "2", "3"]


def test_one_list_serves_all_clients_and_each_sees_its_own_tools(caching: Bridge) -> None:
    before = int(call(caching, "lists"))
    everything = post(caching, "tools/list", headers=client(), modern=True).json()["result"]
    few = post(caching, "tools/list", headers=client("ci", "echo"), modern=True).json()["result"]
    again = post(caching, "tools/list", headers=session(caching)).json()["result"]
    assert int(call(caching, "lists")) == before + 1
    assert [entry["name"] for entry in few["tools"]] == ["echo"]
    assert again["tools"] == everything["tools"]
    assert set(again) == {"tools"}
    assert everything["resultType"] == "complete"


def test_a_cached_answer_is_no_way_around_the_list_of_tools(caching: Bridge) -> None:
    assert call(caching, "look", at=1) == "1"
    refused = post(caching, "tools/call", tool("look", at=1), headers=client("codex", "echo"), modern=True)
    assert refused.json()["error"]["code"] == -32012


def test_a_changed_list_ends_what_is_kept(caching: Bridge) -> None:
    assert call(caching, "look", at=1) == "1"
    post(caching, "tools/list", headers=client(), modern=True)
    call(caching, "change")
    assert call(caching, "look", at=1) == "2"
    before = hits(caching, "tools/list")
    post(caching, "tools/list", headers=client(), modern=True)
    assert hits(caching, "tools/list") == before


def test_a_new_process_begins_with_nothing_kept(caching: Bridge) -> None:
    assert call(caching, "look", at=1) == "1"
    assert call(caching, "look", at=1) == "1"
    assert post(caching, "tools/call", tool("crash"), headers=client(), modern=True).json()["error"]["code"] == -32000
    assert call(caching, "look", at=1) == "1"
    assert hits(caching, "tools/call") == 1


def test_without_the_option_nothing_is_kept(session_bridge: Bridge) -> None:
    first = int(text_of(post(session_bridge, "tools/call", tool("look"), modern=True)))
    assert int(text_of(post(session_bridge, "tools/call", tool("look"), modern=True))) == first + 1


def test_sessions_with_a_process_of_their_own_do_not_share_results(tmp_path: Path) -> None:
    options = ("--mode", "isolated", "--cache", "memory")
    with bridge(*server("session_era"), options=options) as running:
        running.wait_ready()
        for _ in range(2):
            params = {"protocolVersion": "2025-11-25", "capabilities": {}, "clientInfo": {"name": "t", "version": "1"}}
            opened = {"mcp-session-id": post(running, "initialize", params).headers["mcp-session-id"]}
            answers = [text_of(post(running, "tools/call", tool("look"), headers=opened)) for _ in range(2)]
            assert answers == ["1", "2"]


def test_a_session_with_a_process_of_its_own_ends_nothing_that_is_kept_for_others(tmp_path: Path) -> None:
    options = ("--mode", "isolated", "--cache", "memory")
    with bridge(*server("session_era"), options=options) as running:
        running.wait_ready()
        assert call(running, "look") == "1"
        opened = open_session(running)
        assert text_of(post(running, "tools/call", tool("change"), headers=opened)) == "done"
        assert call(running, "look") == "1"
        assert hits(running, "tools/call") == 1
