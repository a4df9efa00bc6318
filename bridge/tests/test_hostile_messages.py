"""What clients of both eras may put into a POST, and the right answer to each."""

import json
from typing import Any

import pytest

from bridge.tests.canary import untouched
from bridge.tests.cases import HOSTILE, cases
from bridge.tests.hostile import MESSAGES
from bridge.tests.rig import HTTP, META, Bridge, open_session

PARSE, INVALID, PARAMS, METHOD, MISMATCH = -32700, -32600, -32602, -32601, -32020
DEEPEST = 128
TYPES = {"content-type": "application/json", "accept": "application/json"}


def request(params: str = "{}", number: str = "1", method: str = '"ping"') -> bytes:
    return f'{{"jsonrpc":"2.0","id":{number},"method":{method},"params":{params}}}'.encode()


def nested(levels: int) -> str:
    return '{"a":' * levels + "1" + "}" * levels


CORPUS: dict[str, tuple[bytes, int]] = {
    "sound": (request(), 0),
    "nothing": (b"", PARSE),
    "a space": (b" ", PARSE),
    "half": (request()[:-7], PARSE),
    "one and a half": (request() + request()[:9], PARSE),
    "two": (request() + request(), PARSE),
    "text behind": (request() + b"x", PARSE),
    "NUL behind": (request() + b"\0", PARSE),
    "byte order mark": (b"\xef\xbb\xbf" + request(), PARSE),
    "UTF-16": (request().decode().encode("utf-16"), PARSE),
    "no UTF-8": (request('{"a":"\xff"}').decode().encode("latin-1"), PARSE),
    "overlong UTF-8": (request().replace(b"ping", b"p\xc1\xa9ng"), PARSE),
    "surrogate in UTF-8": (request().replace(b"{}", b'{"a":"\xed\xa0\x80"}'), PARSE),
    "comments": (request() + b"// please", PARSE),
    "single quotes": (request().replace(b'"', b"'"), PARSE),
    "NaN": (request('{"a":NaN}'), PARSE),
    "Infinity": (request('{"a":-Infinity}'), PARSE),
    "leading zero": (request('{"a":01}'), PARSE),
    "trailing comma": (request('{"a":1,}'), PARSE),
    "raw line end in a text": (request('{"a":"\n"}'), PARSE),
    "raw NUL in a text": (request('{"a":"\0"}'), PARSE),
    "unknown escape": (request('{"a":"\\q"}'), PARSE),
    "lone surrogate": (request('{"a":"\\ud800"}'), PARSE),
    "lone surrogate in a name": (request('{"\\udc00":1}'), PARSE),
    "surrogates the wrong way round": (request('{"a":"\\udc00\\ud800"}'), PARSE),
    "lone surrogate in the id": (request(number='"\\ud800"'), PARSE),
    "lone surrogate in the method": (request(method='"\\ud800"'), PARSE),
    "surrogate pair": (request('{"a":"\\ud83d\\ude00"}'), 0),
    "huge integer": (request('{"a":' + "9" * 100_000 + "}"), 0),
    "huge exponent": (request('{"a":1e999999999}'), 0),
    "huge id": (request(number="9" * 5000), 0),
    "huge text": (request('{"a":"' + "x" * 1_000_000 + '"}'), 0),
    "as deep as may be": (request(nested(DEEPEST - 1)), 0),
    "too deep": (request(nested(DEEPEST)), PARSE),
    "deeper than the stack": (request(nested(990)), PARSE),
    "deeper than the stack, by far": (request(nested(300_000)), PARSE),
    "opened and never closed": (b"[" * 1_000_000, INVALID),
    "objects opened and never closed": (b'{"a":' * 500_000, PARSE),
    "wide": (request('{"a":[' + ",".join(["[]"] * 100_000) + "]}"), 0),
    "brackets in a text": (request('{"a":"' + "[{" * 5000 + '\\\\\\"[[["}'), 0),
    "id twice": (b'{"jsonrpc":"2.0","id":1,"id":2,"method":"ping"}', INVALID),
    "id twice, once escaped": (b'{"jsonrpc":"2.0","id":1,"\\u0069d":2,"method":"ping"}', INVALID),
    "method twice": (b'{"jsonrpc":"2.0","id":1,"method":"ping","method":"tools/list"}', INVALID),
    "params twice": (b'{"jsonrpc":"2.0","id":1,"method":"ping","params":{},"params":{}}', INVALID),
    "version twice": (b'{"jsonrpc":"1.0","jsonrpc":"2.0","id":1,"method":"ping"}', INVALID),
    "tool twice": (request('{"name":"echo","name":"hold"}', method='"tools/call"'), INVALID),
    "tool twice, spaced": (request('{ "name" : "echo" , "name" : "hold" }', method='"tools/call"'), INVALID),
    "no version": (b'{"id":1,"method":"ping"}', INVALID),
    "version 1.0": (b'{"jsonrpc":"1.0","id":1,"method":"ping"}', INVALID),
    "version as a number": (b'{"jsonrpc":2.0,"id":1,"method":"ping"}', INVALID),
    "id null": (request(number="null"), INVALID),
    "id true": (request(number="true"), INVALID),
    "id in a list": (request(number="[1]"), INVALID),
    "method null": (request(method="null"), INVALID),
    "method as a number": (request(method="7"), INVALID),
    "params in a list": (request("[1]"), INVALID),
    "params null": (request("null"), 0),
    "params as a text": (request('"x"'), INVALID),
    "neither request nor answer": (b'{"jsonrpc":"2.0","id":1}', INVALID),
    "answer with result and error": (b'{"jsonrpc":"2.0","id":1,"result":{},"error":{"code":1,"message":""}}', INVALID),
    "answer whose result is a list": (b'{"jsonrpc":"2.0","id":1,"result":[]}', INVALID),
    "answer whose error is a text": (b'{"jsonrpc":"2.0","id":1,"error":"no"}', INVALID),
    "a text": (b'"ping"', INVALID),
    "a number": (b"7", INVALID),
    "null": (b"null", INVALID),
    "an empty list": (b"[]", INVALID),
    "a list": (b"[" + request() + b"]", INVALID),
    "unknown method": (request(method='"no/such"'), METHOD),
    "method with a line end": (request(method='"ping\\n{}"'), METHOD),
    "tool that is no text": (request('{"name":7}', method='"tools/call"'), PARAMS),
    "meta that is no object": (request('{"name":"echo","_meta":7}', method='"tools/call"'), PARAMS),
    "level that is no text": (request('{"level":[]}', method='"logging/setLevel"'), PARAMS),
    "initialize that holds a lot": (
        request('{"protocolVersion":"2025-11-25","capabilities":{"a":"' + "x" * 100_000 + '"}}', method='"initialize"'),
        PARAMS,
    ),
    "initialize with a huge number": (
        request('{"protocolVersion":"2025-11-25","capabilities":{"a":' + "9" * 6000 + "}}", method='"initialize"'),
        PARAMS,
    ),
}


@pytest.mark.parametrize("name", CORPUS)
def test_the_corpus_in_a_session(hostile_bridge: Bridge, name: str) -> None:
    body, code = CORPUS[name]
    answer = HTTP.post(hostile_bridge.mcp, content=body, headers={**open_session(hostile_bridge), **TYPES})
    message = json.loads(answer.content, parse_int=lambda digits: int(digits[:9]))
    assert message.get("error", {"code": 0})["code"] == code, message
    assert answer.status_code == (400 if code in (PARSE, INVALID) and answer.status_code != 200 else 200)
    assert len(answer.content) < 2000 + len(body) // 100 or code == 0


STATELESS = {
    "tool twice": ('{"name":"echo","name":"echo",META}', "tools/call", INVALID),
    "envelope twice": ('{"name":"echo",META,META}', "tools/call", INVALID),
    "huge number among the capabilities": (
        '{"_meta":{"io.modelcontextprotocol/protocolVersion":"2026-07-28",'
        '"io.modelcontextprotocol/clientCapabilities":{"a":' + "9" * 6000 + "}}}",
        "tools/list",
        PARAMS,
    ),
    "too deep among the capabilities": (
        '{"_meta":{"io.modelcontextprotocol/protocolVersion":"2026-07-28",'
        '"io.modelcontextprotocol/clientCapabilities":' + nested(980) + "}}",
        "tools/list",
        PARSE,
    ),
    "name that is no text": ('{"name":["echo"],META}', "tools/call", MISMATCH),
}


@pytest.mark.parametrize("name", STATELESS)
def test_the_corpus_without_a_session(hostile_bridge: Bridge, name: str) -> None:
    params, method, code = STATELESS[name]
    body = request(params.replace("META", '"_meta":' + json.dumps(META)), method=json.dumps(method))
    headers = {**TYPES, "mcp-protocol-version": "2026-07-28", "mcp-method": method, "mcp-name": "echo"}
    answer = HTTP.post(hostile_bridge.mcp, content=body, headers=headers)
    assert answer.json().get("error", {"code": 0})["code"] == code, answer.text


def test_an_integer_without_end_in_a_header_is_a_mismatch(modern_bridge: Bridge) -> None:
    params = {"name": "region", "arguments": {"where": "eu"}, "_meta": META}
    body = {"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": params}
    headers = {**TYPES, "mcp-protocol-version": "2026-07-28", "mcp-method": "tools/call", "mcp-name": "region"}
    answer = HTTP.post(modern_bridge.mcp, json=body, headers={**headers, "mcp-param-region": "9" * 10_000})
    assert answer.json()["error"]["code"] == MISMATCH


@pytest.mark.parametrize(
    ("batch", "code"),
    [
        ([{"jsonrpc": "2.0", "id": n, "method": "ping"} for n in range(1001)], INVALID),
        ([{"jsonrpc": "2.0", "id": 1, "method": "initialize", "params": {}}], INVALID),
        ([], INVALID),
        ([1], INVALID),
    ],
)
def test_batches_that_are_refused(hostile_bridge: Bridge, batch: Any, code: int) -> None:
    headers = {**open_session(hostile_bridge, "2025-03-26"), **TYPES}
    message = HTTP.post(hostile_bridge.mcp, json=batch, headers=headers).json()
    [answer] = message if isinstance(message, list) else [message]
    assert answer["error"]["code"] == code


def problem(body: bytes) -> int:
    """Return PARSE where a body is no JSON, by a parser that is not the bridge's own; 0 where it is some."""
    try:
        value = json.loads(body.decode(), parse_constant=float.fromhex, parse_int=len)
        json.dumps(value, ensure_ascii=False).encode()
    except (ValueError, RecursionError):
        return PARSE
    return 0


def check_answer(running: Bridge, headers: dict[str, str], body: bytes) -> None:
    answer = HTTP.post(running.mcp, content=body, headers={**headers, **TYPES})
    if answer.status_code == 202:
        assert answer.content == b""
        assert problem(body) == 0
        return
    assert answer.status_code in (200, 400, 404, 406), answer.text
    message = json.loads(answer.content, parse_int=lambda digits: int(digits[:9]))
    assert message["jsonrpc"] == "2.0"
    assert ("result" in message) != ("error" in message)
    if "error" not in message:
        assert problem(body) == 0
        assert message["id"] is not None
    elif problem(body) and not body.lstrip().startswith(b"["):
        assert (message["error"]["code"], answer.status_code) == (PARSE, 400)


@pytest.mark.parametrize("count", HOSTILE)
def test_whatever_is_posted_has_the_right_answer(hostile_bridge: Bridge, count: int) -> None:
    session = open_session(hostile_bridge)
    stateless = {"mcp-protocol-version": "2026-07-28", "mcp-method": "tools/call", "mcp-name": "echo"}
    with untouched(hostile_bridge):
        cases(MESSAGES, count=count // 2)(lambda body: check_answer(hostile_bridge, session, body))()
        cases(MESSAGES, count=count // 2)(lambda body: check_answer(hostile_bridge, stateless, body))()
