"""What a client sees on the wire: statuses, headers, sessions, ids. Plain requests, no SDK."""

import json
import re
import socket
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from bridge.tests.rig import HTTP, Bridge, bridge, open_session, post, server, text_of


def tool(name: str, /, **arguments: Any) -> dict[str, Any]:
    return {"name": name, "arguments": arguments}


def until(running: Bridge, session: dict[str, str], name: str, wanted: str) -> None:
    """Ask a tool again and again until its answer contains something."""
    for _ in range(500):
        if wanted in text_of(post(running, "tools/call", tool(name), number="until", headers=session)):
            return
    raise AssertionError(f"{name} never said {wanted}")


# Sessions


def test_a_session_opens_serves_and_ends(either_bridge: Bridge) -> None:
    session = open_session(either_bridge)
    assert text_of(post(either_bridge, "tools/call", tool("echo", text="hi"), headers=session)) == "hi"
    gone = HTTP.delete(either_bridge.mcp, headers=session)
    assert gone.status_code == 200
    assert post(either_bridge, "tools/list", headers=session).status_code == 404


def test_a_request_without_a_session_or_with_another_is_refused(either_bridge: Bridge) -> None:
    assert post(either_bridge, "tools/list").status_code == 400
    unknown = post(either_bridge, "tools/list", headers={"mcp-session-id": "0" * 32})
    assert unknown.status_code == 404
    assert unknown.json()["error"]["code"] == -32600


@pytest.mark.parametrize("revision", ["2025-11-25", "2025-06-18", "2025-03-26"])
def test_a_client_gets_the_revision_it_asks_for(either_bridge: Bridge, revision: str) -> None:
    params = {"protocolVersion": revision, "capabilities": {}, "clientInfo": {"name": "t", "version": "1"}}
    assert post(either_bridge, "initialize", params).json()["result"]["protocolVersion"] == revision


def test_a_client_of_the_future_is_offered_the_newest_session_revision(either_bridge: Bridge) -> None:
    params = {"protocolVersion": "2031-01-01", "capabilities": {}, "clientInfo": {"name": "t", "version": "1"}}
    assert post(either_bridge, "initialize", params).json()["result"]["protocolVersion"] == "2025-11-25"


def test_an_unknown_revision_in_the_header_is_a_bad_request(either_bridge: Bridge) -> None:
    session = open_session(either_bridge)
    refused = post(either_bridge, "tools/list", headers={**session, "mcp-protocol-version": "1999-01-01"})
    assert refused.status_code == 400
    assert refused.json()["error"]["code"] == -32022
    assert refused.json()["error"]["data"]["requested"] == "1999-01-01"


def test_results_for_a_session_have_nothing_of_the_stateless_revision(modern_bridge: Bridge) -> None:
    session = open_session(modern_bridge)
    result = post(modern_bridge, "tools/list", headers=session).json()["result"]
    assert set(result) == {"tools"}


# The stateless revision


def test_results_of_an_older_server_have_what_the_stateless_revision_requires(session_bridge: Bridge) -> None:
    listed = post(session_bridge, "tools/list", modern=True).json()["result"]
    assert (listed["resultType"], listed["ttlMs"], listed["cacheScope"]) == ("complete", 0, "private")
    assert listed["_meta"]["io.modelcontextprotocol/serverInfo"]["name"] == "session-era"
    called = post(session_bridge, "tools/call", tool("echo", text="hi"), modern=True).json()["result"]
    assert called["resultType"] == "complete"
    assert "ttlMs" not in called


def test_an_older_server_sees_nothing_of_the_envelope(session_bridge: Bridge) -> None:
    params = {**tool("meta"), "_meta": {"mine": 1}}
    assert json.loads(text_of(post(session_bridge, "tools/call", params, modern=True))) == {"mine": 1}


@pytest.mark.parametrize(
    ("headers", "params", "code", "status"),
    [
        ({"mcp-method": "tools/call"}, {}, -32020, 400),
        ({"mcp-protocol-version": "2026-07-28", "mcp-method": ""}, {}, -32020, 400),
        ({"mcp-protocol-version": "2027-01-01"}, {}, -32020, 400),
        ({}, {"_meta": {"io.modelcontextprotocol/protocolVersion": "2025-11-25"}}, -32020, 400),
        (
            {"mcp-protocol-version": "2027-01-01"},
            {"_meta": {"io.modelcontextprotocol/protocolVersion": "2027-01-01"}},
            -32022,
            400,
        ),
        ({}, {"_meta": {"io.modelcontextprotocol/clientCapabilities": []}}, -32602, 400),
    ],
)
def test_headers_and_envelope_must_agree(
    either_bridge: Bridge, headers: dict[str, str], params: dict[str, Any], code: int, status: int
) -> None:
    refused = post(either_bridge, "tools/list", params, modern=True, headers=headers)
    assert (refused.json()["error"]["code"], refused.status_code) == (code, status)


def test_the_name_in_the_header_must_be_the_one_in_the_body(either_bridge: Bridge) -> None:
    wrong = post(either_bridge, "tools/call", tool("echo", text="x"), modern=True, headers={"mcp-name": "crash"})
    assert wrong.json()["error"]["code"] == -32020
    encoded = {"mcp-name": "=?base64?ZWNobw==?="}
    right = post(either_bridge, "tools/call", tool("echo", text="x"), modern=True, headers=encoded)
    assert text_of(right) == "x"


def test_a_marked_argument_must_be_repeated_in_its_header(modern_bridge: Bridge) -> None:
    call = tool("region", where="eu")
    assert post(modern_bridge, "tools/call", call, modern=True).json()["error"]["code"] == -32020
    wrong = post(modern_bridge, "tools/call", call, modern=True, headers={"mcp-param-region": "us"})
    assert wrong.json()["error"]["code"] == -32020
    right = post(modern_bridge, "tools/call", call, modern=True, headers={"mcp-param-region": "eu"})
    assert text_of(right) == "eu 1"


@pytest.mark.parametrize("method", ["initialize", "ping", "logging/setLevel", "resources/subscribe", "no/such"])
def test_methods_that_the_stateless_revision_lacks_are_not_found(either_bridge: Bridge, method: str) -> None:
    refused = post(either_bridge, method, modern=True)
    assert (refused.status_code, refused.json()["error"]["code"]) == (404, -32601)


@pytest.mark.parametrize("method", ["GET", "DELETE", "PUT"])
def test_the_stateless_revision_has_post_only(either_bridge: Bridge, method: str) -> None:
    headers = {"mcp-protocol-version": "2026-07-28", "accept": "text/event-stream"}
    refused = HTTP.request(method, either_bridge.mcp, headers=headers)
    assert (refused.status_code, refused.headers["allow"]) == (405, "POST")


# Ids


@pytest.mark.parametrize("modern", [True, False])
@pytest.mark.parametrize("number", [0, -7, 1.5, 2**70, "1", "", "é\n", "a" * 500])
def test_an_id_comes_back_as_it_was_sent(either_bridge: Bridge, number: Any, modern: bool) -> None:
    headers = {} if modern else open_session(either_bridge)
    answer = post(either_bridge, "tools/list", number=number, modern=modern, headers=headers)
    assert answer.json()["id"] == number
    assert type(answer.json()["id"]) is type(number)


@pytest.mark.parametrize("number", [None, True, [1], {"a": 1}])
def test_what_can_be_no_id_is_refused(either_bridge: Bridge, number: Any) -> None:
    refused = post(either_bridge, "tools/list", number=number, headers=open_session(either_bridge))
    assert (refused.status_code, refused.json()["error"]["code"], refused.json()["id"]) == (400, -32600, None)


def test_a_duplicate_id_in_flight_is_refused_at_once(either_bridge: Bridge) -> None:
    session = open_session(either_bridge)
    with ThreadPoolExecutor(1) as pool:
        first = pool.submit(post, either_bridge, "tools/call", tool("hold", name="twice"), number=7, headers=session)
        until(either_bridge, session, "held", "twice")
        second = post(either_bridge, "tools/list", number=7, headers=session)
        assert second.json()["error"]["code"] == -32600
        other = post(either_bridge, "tools/list", number="7", headers=session)
        assert "result" in other.json()
        post(either_bridge, "tools/call", tool("release", name="twice"), number=8, headers=session)
        assert text_of(first.result()) == "released twice"


@pytest.mark.parametrize("modern", [True, False])
def test_clients_that_use_the_same_ids_get_their_own_answers(either_bridge: Bridge, modern: bool) -> None:
    def run(number: int) -> None:
        session = {} if modern else open_session(either_bridge)
        for turn in range(5):
            text = f"{number}-{turn}"
            answer = post(either_bridge, "tools/call", tool("echo", text=text), headers=session, modern=modern)
            assert text_of(answer) == text

    with ThreadPoolExecutor(20) as pool:
        list(pool.map(run, range(20)))


# JSON-RPC


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


# Who may come in


@pytest.mark.parametrize("path", ["/", "/mc", "/mcp/x", "/health/x"])
def test_there_is_nothing_elsewhere(either_bridge: Bridge, path: str) -> None:
    assert HTTP.get(either_bridge.url + path).status_code == 404


@pytest.mark.parametrize("modern", [True, False])
def test_a_host_or_origin_from_elsewhere_is_refused(either_bridge: Bridge, modern: bool) -> None:
    session = {} if modern else open_session(either_bridge)
    elsewhere = post(either_bridge, "tools/list", modern=modern, headers={**session, "host": "evil.example"})
    assert elsewhere.status_code == 421
    for origin in ("http://evil.example", "null", "http://localhost.evil.example", "http://["):
        refused = post(either_bridge, "tools/list", modern=modern, headers={**session, "origin": origin})
        assert refused.status_code == 403, origin
    for origin in ("http://localhost:3000", "http://127.0.0.1:1"):
        allowed = post(either_bridge, "tools/list", modern=modern, headers={**session, "origin": origin})
        assert allowed.status_code == 200


def test_an_allowed_origin_may_call() -> None:
    with bridge(*server("session_era"), options=("--allow-origin", "https://app.example")) as running:
        running.wait_ready()
        headers = {"origin": "https://app.example"}
        assert post(running, "tools/list", modern=True, headers=headers).status_code == 200


def test_with_a_gateway_token_nobody_else_gets_in(tmp_path: Any) -> None:
    (tmp_path / "token").write_text("s3cret-gateway-token\n")
    options = ("--gateway-token-file", str(tmp_path / "token"), "--host", "127.0.0.1")
    with bridge(*server("session_era"), options=options) as running:
        running.wait_ready()
        assert post(running, "tools/list", modern=True).status_code == 401
        wrong = post(running, "tools/list", modern=True, headers={"x-mcp-gateway-token": "s3cret-gateway-toke"})
        assert wrong.status_code == 401
        right = {"x-mcp-gateway-token": "s3cret-gateway-token", "host": "time.fleet", "x-mcp-client": "codex"}
        assert post(running, "tools/list", modern=True, headers=right).status_code == 200
        params = {"protocolVersion": "2025-11-25", "capabilities": {}, "clientInfo": {"name": "t", "version": "1"}}
        session = {"mcp-session-id": post(running, "initialize", params, headers=right).headers["mcp-session-id"]}
        assert post(running, "tools/list", headers={**right, **session}).status_code == 200
        stolen = {**right, "x-mcp-client": "other", **session}
        assert post(running, "tools/list", headers=stolen).status_code == 404
        assert HTTP.get(f"{running.url}/health").status_code == 200
        assert not any("s3cret" in line for line in running.raw)


# HTTP


def raw(running: Bridge, data: bytes) -> bytes:
    """Send bytes and return everything until the bridge closes."""
    with socket.create_connection(("127.0.0.1", running.port), timeout=10) as connection:
        connection.sendall(data)
        received = b""
        while piece := connection.recv(65536):
            received += piece
        return received


def test_requests_in_a_pipeline_are_answered_in_order(either_bridge: Bridge) -> None:
    one = b"GET /ready HTTP/1.1\r\nhost: localhost\r\n\r\n"
    two = b"GET /nothing HTTP/1.1\r\nhost: localhost\r\n\r\n"
    last = b"GET /ready HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n"
    answer = raw(either_bridge, one * 30 + two + last)
    statuses = re.findall(rb"HTTP/1.1 (\d+)", answer)
    assert statuses == [b"200"] * 30 + [b"404", b"200"]


def test_a_slow_answer_is_not_overtaken_in_its_pipeline(either_bridge: Bridge) -> None:
    session = open_session(either_bridge)

    def message(number: int, params: dict[str, Any], close: bool = False) -> bytes:
        body = json.dumps({"jsonrpc": "2.0", "id": number, "method": "tools/call", "params": params}).encode()
        head = f"POST /mcp HTTP/1.1\r\nhost: localhost\r\ncontent-length: {len(body)}\r\n"
        head += "content-type: application/json\r\n"
        head += "".join(f"{name}: {value}\r\n" for name, value in session.items())
        return (head + ("connection: close\r\n" if close else "") + "\r\n").encode() + body

    with ThreadPoolExecutor(1) as pool:
        both = message(1, tool("hold", name="slow")) + message(2, tool("echo", text="fast"), close=True)
        answers = pool.submit(raw, either_bridge, both)
        until(either_bridge, session, "held", "slow")
        post(either_bridge, "tools/call", tool("release", name="slow"), number=3, headers=session)
        received = answers.result()
    assert received.index(b"released slow") < received.index(b"fast")


@pytest.mark.parametrize(
    ("data", "status"),
    [
        (b"GET / HTTP/1.1\r\nhost: localhost\r\nx: " + b"a" * 200_000 + b"\r\n\r\n", b"431"),
        (b"GET /" + b"a" * 200_000, b"431"),
        (b"POST /mcp HTTP/1.1\r\nhost: localhost\r\ncontent-length: 99999999\r\n\r\n", b"413"),
        (b"POST /mcp HTTP/1.1\r\nhost: localhost\r\ncontent-length: 5\r\ntransfer-encoding: chunked\r\n\r\n", b"400"),
        (b"POST /mcp HTTP/1.1\r\nhost: localhost\r\ncontent-length: 5\r\ncontent-length: 6\r\n\r\n", b"400"),
        (b"POST /mcp HTTP/1.1\r\nhost: localhost\r\ntransfer-encoding: chunked\r\n\r\nzz\r\n", b"400"),
        (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", b"400"),
    ],
)
def test_what_is_too_large_or_no_http_is_refused(either_bridge: Bridge, data: bytes, status: bytes) -> None:
    assert raw(either_bridge, data).split()[1] == status


def test_a_body_in_chunks_is_bounded_too(either_bridge: Bridge) -> None:
    head = b"POST /mcp HTTP/1.1\r\nhost: localhost\r\ntransfer-encoding: chunked\r\n\r\n"
    chunk = b"100000\r\n" + b" " * 0x100000 + b"\r\n"
    with socket.create_connection(("127.0.0.1", either_bridge.port), timeout=10) as connection:
        try:
            connection.sendall(head + chunk * 5)
            answer = connection.recv(65536)
        except ConnectionError:
            return  # refused so early that the answer was lost with the connection
    assert answer.split()[1] == b"413"


def test_a_plain_http_1_0_probe_is_answered_and_closed(either_bridge: Bridge) -> None:
    answer = raw(either_bridge, b"GET /health HTTP/1.0\r\n\r\n")
    assert answer.startswith(b"HTTP/1.1 200 OK\r\n")
    assert json.loads(answer.partition(b"\r\n\r\n")[2])["status"] == "healthy"


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"content-type": "text/plain"}, 415),
        ({"accept": "text/html"}, 406),
        ({"accept": "application/json"}, 200),
        ({"accept": "text/event-stream"}, 200),
        ({"accept": "*/*"}, 200),
    ],
)
def test_media_types(either_bridge: Bridge, headers: dict[str, str], status: int) -> None:
    answer = post(either_bridge, "tools/list", modern=True, headers=headers)
    assert answer.status_code == status
    if headers.get("accept") == "text/event-stream":
        assert answer.headers["content-type"] == "text/event-stream"


def test_a_client_without_event_streams_gets_the_answer_alone(session_bridge: Bridge) -> None:
    session = {**open_session(session_bridge), "accept": "application/json"}
    params = {**tool("progress"), "_meta": {"progressToken": "mine"}}
    assert text_of(post(session_bridge, "tools/call", params, headers=session)) == "done"


def test_a_second_standing_stream_takes_over(either_bridge: Bridge) -> None:
    session = {**open_session(either_bridge), "accept": "text/event-stream"}
    with (
        HTTP.stream("GET", either_bridge.mcp, headers=session) as first,
        HTTP.stream("GET", either_bridge.mcp, headers=session) as second,
    ):
        assert (first.status_code, second.status_code) == (200, 200)
        assert all(line.startswith(":") or not line for line in first.iter_lines())
        post(either_bridge, "tools/call", tool("change"), headers=session | {"accept": "application/json"})
        event = next(line for line in second.iter_lines() if line.startswith("data: "))
        assert json.loads(event[6:])["method"] == "notifications/tools/list_changed"


def test_calls_are_counted_by_the_tools_that_the_server_declares(session_bridge: Bridge) -> None:
    post(session_bridge, "tools/call", tool("echo", text="x"), modern=True)
    post(session_bridge, "tools/call", tool("made-up-by-a-client"), modern=True)
    page = HTTP.get(f"{session_bridge.url}/metrics")
    assert page.headers["content-type"].startswith("text/plain; version=0.0.4")
    assert re.search(r'mcp_requests_total\{method="tools/call",outcome="ok",server="[^"]+",tool="echo"\} \d', page.text)
    assert re.search(r'mcp_request_duration_seconds_count\{method="tools/call",server="[^"]+"\} \d', page.text)
    assert re.search(r'mcp_service_health\{server="[^"]+"\} 1.0', page.text)
    assert 'tool="other"' in page.text
    assert "made-up" not in page.text
