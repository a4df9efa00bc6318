"""JSON-RPC messages and ids, read and written."""

import json
from typing import Any

import pytest
from hypothesis import strategies as st
from mcp_bridge.core import envelope
from mcp_bridge.core.envelope import decode, decode_child
from mcp_bridge.core.errors import RpcError

from bridge.tests.cases import cases
from bridge.tests.strategies import IDS, JSON, OBJECTS, STYLES, TEXT
from bridge.tests.wiring import outcome


@cases(number=IDS, method=TEXT, params=OBJECTS | st.none(), style=STYLES)
def test_a_request_survives_the_way_to_the_child_and_back(number: Any, method: str, params: Any, style: Any) -> None:
    message = {"jsonrpc": "2.0", "id": number, "method": method, **({} if params is None else {"params": params})}
    read = decode(json.dumps(message, **style).encode())
    assert read.is_request
    line = envelope.one_line(envelope.request(b"17", read.method or "", bytes(read.params)))
    assert b"\n" not in line
    assert b"\r" not in line
    assert json.loads(line) == {**message, "id": 17}
    answer = json.loads(envelope.result(bytes(read.id), b'{"ok":true}'))
    assert answer == {"jsonrpc": "2.0", "id": number, "result": {"ok": True}}


@cases(first=IDS, second=IDS, escaped=st.booleans())
def test_ids_are_told_apart_as_json_tells_them_apart(first: Any, second: Any, escaped: bool) -> None:
    one = envelope.key_of(json.dumps(first, ensure_ascii=escaped).encode())
    two = envelope.key_of(json.dumps(second).encode())
    if isinstance(first, str) or isinstance(second, str):
        assert (one == two) == (first == second and type(first) is type(second))
    elif type(first) is type(second):
        assert (one == two) == (repr(first) == repr(second))  # 0.0 equals -0.0, and is another text


@cases(st.binary(max_size=200))
def test_whatever_a_client_sends_is_a_message_or_an_rpc_error(data: bytes) -> None:
    code, read = outcome(lambda: decode(data))
    assert code in (0, -32700, -32600)
    assert read is None or sum((read.is_request, read.is_notification, read.is_answer)) == 1
    assert envelope.identifier(data)


@cases(JSON)
def test_whatever_json_a_client_sends_is_a_message_or_an_rpc_error(value: Any) -> None:
    code, _ = outcome(lambda: decode(json.dumps(value).encode()))
    assert code in (0, -32600)


@cases(st.binary(max_size=200))
def test_whatever_a_child_prints_is_a_message_or_none(line: bytes) -> None:
    read = decode_child(line)
    assert read is None or read.method is not None or read.is_answer


@pytest.mark.parametrize("text", ['{"jsonrpc":"2.0","id":1,"method":"a","params":{"x":"\\ud800"}}', '"\\ud800"'])
def test_a_lone_surrogate_is_refused(text: str) -> None:
    with pytest.raises(RpcError):
        decode(text.encode())
