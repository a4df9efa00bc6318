"""HTTP/1.1 itself: pipelines, limits, media types. Plain requests, no SDK."""

import json
import re
import socket
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from bridge.tests.rig import Bridge, open_session, post, tool, until


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
