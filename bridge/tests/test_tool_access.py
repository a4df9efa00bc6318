"""The second check, behind the gateway's: which tools a client may call and see; and what never reaches the server."""

import json
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import strategies as st
from mcp_bridge.core import tool_access
from mcp_bridge.core.envelope import decode
from mcp_wire import tools

from bridge.tests.cases import cases
from bridge.tests.rig import HTTP, META, Bridge, bridge, post, server, text_of, tool
from bridge.tests.strategies import OBJECTS
from bridge.tests.wiring import outcome

TOKEN = "s3cret-gateway-token"


@pytest.fixture(scope="module")
def guarded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bridge]:
    """A bridge behind a gateway."""
    file = tmp_path_factory.mktemp("gateway") / "token"
    file.write_text(TOKEN)
    options = ("--gateway-token-file", str(file), "--host", "127.0.0.1", "--mode", "shared")
    with bridge(*server("session_era"), options=options) as running:
        running.wait_ready()
        yield running


def client(*allowed: str, name: str = "ci") -> dict[str, str]:
    """Return what the gateway sends along for a client that may call certain tools, or all."""
    restricted = {"x-mcp-tools": tools.encode(allowed)} if allowed else {}
    return {"x-mcp-gateway-token": TOKEN, "x-mcp-client": name, **restricted}


def session(running: Bridge, headers: dict[str, str], revision: str = "2025-11-25") -> dict[str, str]:
    params = {"protocolVersion": revision, "capabilities": {}, "clientInfo": {"name": "t", "version": "1"}}
    answer = post(running, "initialize", params, headers=headers)
    return {**headers, "mcp-session-id": answer.headers["mcp-session-id"], "mcp-protocol-version": revision}


@pytest.mark.parametrize("modern", [True, False])
def test_another_tool_is_refused_as_the_gateway_refuses_it(guarded: Bridge, modern: bool) -> None:
    headers = client("echo", "meta") if modern else session(guarded, client("echo", "meta"))
    allowed = post(guarded, "tools/call", tool("echo", text="x"), headers=headers, modern=modern)
    assert text_of(allowed) == "x"
    refused = post(guarded, "tools/call", tool("environment"), number=7, headers=headers, modern=modern)
    assert refused.json()["id"] == 7
    assert refused.json()["error"] == {"code": -32012, "message": tools.FORBIDDEN_MESSAGE}
    assert refused.status_code == (403 if modern else 200)


@pytest.mark.parametrize("modern", [True, False])
def test_a_client_sees_only_the_tools_that_it_may_call(guarded: Bridge, modern: bool) -> None:
    headers = client("meta", "echo", "no-such") if modern else session(guarded, client("meta", "echo", "no-such"))
    listed = post(guarded, "tools/list", headers=headers, modern=modern).json()["result"]
    assert [entry["name"] for entry in listed["tools"]] == ["echo", "meta"]
    everything = client() if modern else session(guarded, client())
    assert len(post(guarded, "tools/list", headers=everything, modern=modern).json()["result"]["tools"]) > 10


def test_the_list_that_came_with_the_request_counts_not_the_one_that_the_session_began_with(guarded: Bridge) -> None:
    opened = session(guarded, client())
    assert text_of(post(guarded, "tools/call", tool("count"), headers=opened))
    refused = post(guarded, "tools/call", tool("count"), headers={**opened, **client("echo")})
    assert refused.json()["error"]["code"] == -32012


def test_no_batch_carries_another_tool_along(guarded: Bridge) -> None:
    names = {1: "echo", 2: "environment"}
    batch = [
        {"jsonrpc": "2.0", "id": number, "method": "tools/call", "params": tool(name, text="x")}
        for number, name in names.items()
    ]
    answers = HTTP.post(guarded.mcp, json=batch, headers=session(guarded, client("echo"), "2025-03-26")).json()
    assert {answer["id"]: answer.get("error", {}).get("code") for answer in answers} == {1: None, 2: -32012}


def test_a_name_that_comes_twice_reaches_the_server_once(guarded: Bridge) -> None:
    opened = session(guarded, client("received"))
    body = b'{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"environment","name":"received"}}'
    answer = HTTP.post(guarded.mcp, content=body, headers={**opened, "content-type": "application/json"})
    [line] = [line for line in json.loads(text_of(answer)) if '"received"' in line]
    assert line.count('"name"') == 1


def test_nothing_that_a_client_proves_itself_with_reaches_the_server(guarded: Bridge) -> None:
    secret = {"authorization": "Bearer c0ffee-client-key", "x-api-key": "c0ffee-other-key", "cookie": "c0ffee=1"}
    opened = session(guarded, {**client("received", "echo", name="private-name"), **secret})
    post(guarded, "tools/call", tool("echo", text="x"), headers=opened)
    post(guarded, "tools/list", headers=opened)
    modern = {**client(), **secret}
    received = text_of(post(guarded, "tools/call", tool("received"), headers=modern, modern=True))
    assert '\\"echo\\"' in received or '"echo"' in received
    for given in ("c0ffee", TOKEN, opened["mcp-session-id"]):
        assert given not in received
    assert "c0ffee" not in "".join(guarded.raw)


NAMES = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=12)


@cases(names=st.frozensets(NAMES, max_size=5))
def test_names_in_the_header_are_read_as_they_were_written(names: frozenset[str]) -> None:
    written = tools.encode(names)
    assert written.isascii()
    assert "\n" not in written
    assert tools.decode(written) == names


@cases(name=NAMES, more=OBJECTS, allowed=st.frozensets(NAMES, max_size=3), own=st.booleans())
def test_a_call_passes_only_if_its_tool_is_allowed(
    name: str, more: dict[str, Any], allowed: frozenset[str], own: bool
) -> None:
    wanted = allowed | {name} if own else allowed - {name}
    params = {**more, "name": name, "_meta": META}
    message = decode(json.dumps({"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": params}).encode())
    code, _ = outcome(lambda: tool_access.check(message, wanted))
    assert code == (0 if own else -32012)
    assert json.loads(bytes(message.params)) == params


@pytest.mark.parametrize("params", [{}, {"name": 7}, {"name": None}, {"name": ["echo"]}])
def test_a_call_without_a_name_is_refused(params: dict[str, Any]) -> None:
    message = decode(json.dumps({"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": params}).encode())
    assert outcome(lambda: tool_access.check(message, frozenset({"echo"})))[0] == -32602
