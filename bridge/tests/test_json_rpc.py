"""JSON-RPC 2.0 over HTTP: errors, batches, notifications, cancellation."""

import json
from concurrent.futures import ThreadPoolExecutor

import pytest

from bridge.tests.rig import HTTP, Bridge, open_session, post, text_of, tool, until


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (b"{", -32700),
        (b"", -32700),
        (b'{"jsonrpc":"2.0","id":1,"method":"ping"} x', -32700),
        (b'{"jsonrpc":"2.0","id":1,"method":"\xff"}', -32700),
        (b'{"jsonrpc":"2.0","id":1,"method":"ping","params":' + b"[" * 5000 + b"]" * 5000 + b"}", -32700),
        (b'{"jsonrpc":"1.0","id":1,"method":"ping"}', -32600),
        (b'{"jsonrpc":"2.0","id":1,"method":7}', -32600),
        (b'{"jsonrpc":"2.0","id":1,"method":"ping","params":[1]}', -32600),
        (b'{"jsonrpc":"2.0","id":1}', -32600),
        (b'"ping"', -32600),
    ],
)
def test_a_malformed_message_gets_the_right_error(either_bridge: Bridge, body: bytes, code: int) -> None:
    headers = {**open_session(either_bridge), "content-type": "application/json"}
    refused = HTTP.post(either_bridge.mcp, content=body, headers=headers)
    assert (refused.status_code, refused.json()["error"]["code"]) == (400, code)


def test_a_message_may_be_spread_over_lines(session_bridge: Bridge) -> None:
    body = b'{\n"jsonrpc": "2.0",\r\n "id": 1, "method": "tools/call",\n"params": {\n"name": "echo",\n"arguments":'
    body += b'{"text":\n"a\\nb"}}}\n'
    headers = {**open_session(session_bridge), "content-type": "application/json"}
    answer = HTTP.post(session_bridge.mcp, content=body, headers=headers)
    assert text_of(answer) == "a\nb"


def test_a_batch_is_answered_where_the_revision_has_batches(either_bridge: Bridge) -> None:
    batch = [
        {"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": tool("echo", text="one")},
        {"jsonrpc": "2.0", "method": "notifications/roots/list_changed"},
        {"jsonrpc": "2.0", "id": "1", "method": "ping"},
    ]
    old = open_session(either_bridge, "2025-03-26")
    answers = HTTP.post(either_bridge.mcp, json=batch, headers=old).json()
    assert {json.dumps(answer["id"]) for answer in answers} == {"1", '"1"'}
    new = open_session(either_bridge, "2025-06-18")
    refused = HTTP.post(either_bridge.mcp, json=batch, headers=new)
    assert (refused.status_code, refused.json()["error"]["code"]) == (400, -32600)


def test_a_notification_is_accepted_without_an_answer(either_bridge: Bridge) -> None:
    body = {"jsonrpc": "2.0", "method": "notifications/initialized"}
    accepted = HTTP.post(either_bridge.mcp, json=body, headers=open_session(either_bridge))
    assert (accepted.status_code, accepted.content) == (202, b"")


def test_a_cancelled_request_ends(cancelling_bridge: Bridge) -> None:
    session = open_session(cancelling_bridge)
    with ThreadPoolExecutor(1) as pool:
        held = pool.submit(post, cancelling_bridge, "tools/call", tool("hold", name="late"), number=5, headers=session)
        until(cancelling_bridge, session, "held", "late")
        body = {"jsonrpc": "2.0", "method": "notifications/cancelled", "params": {"requestId": 5}}
        assert HTTP.post(cancelling_bridge.mcp, json=body, headers=session).status_code == 202
        assert held.result().json()["error"]["code"] == -32800
    post(cancelling_bridge, "tools/call", tool("release", name="late"), headers=session)


def test_another_session_can_not_cancel(either_bridge: Bridge) -> None:
    mine, other = open_session(either_bridge), open_session(either_bridge)
    with ThreadPoolExecutor(1) as pool:
        held = pool.submit(post, either_bridge, "tools/call", tool("hold", name="mine"), number=5, headers=mine)
        until(either_bridge, other, "held", "mine")
        body = {"jsonrpc": "2.0", "method": "notifications/cancelled", "params": {"requestId": 5}}
        HTTP.post(either_bridge.mcp, json=body, headers=other)
        post(either_bridge, "tools/call", tool("release", name="mine"), headers=other)
        assert text_of(held.result()) == "released mine"
