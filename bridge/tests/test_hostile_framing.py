"""Requests that try to be two, or none: Content-Length, Transfer-Encoding, chunks, headers, pipelines, cuts.

Whoever reads a connection in front of the bridge must find the same requests in it (RFC 9112, 11.2), so all that is
ambiguous is refused, and nothing behind it is read.
"""

import re
import socket
from concurrent.futures import ThreadPoolExecutor

import pytest
from hypothesis import strategies as st

from bridge.tests.canary import untouched
from bridge.tests.cases import HOSTILE, cases
from bridge.tests.rig import Bridge, open_session, post, text_of

POST = b"POST /ready HTTP/1.1\r\nhost: localhost\r\n"
NEXT = b"GET /ready HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n"
CHUNKS = b"5\r\nhello\r\n0\r\n\r\n"
ONE = [405]
BOTH = [405, 200]
REFUSED = [400]


def framed(headers: bytes, body: bytes = b"hello") -> bytes:
    return POST + headers + b"\r\n\r\n" + body + NEXT


def chunked(body: bytes) -> bytes:
    return framed(b"transfer-encoding: chunked", body)


CORPUS: dict[str, tuple[bytes, list[int]]] = {
    "length": (framed(b"content-length: 5"), BOTH),
    "length with zeros": (framed(b"content-length: 0005"), BOTH),
    "length twice": (framed(b"content-length: 5\r\ncontent-length: 6"), REFUSED),
    "length twice the same": (framed(b"content-length: 5\r\ncontent-length: 5"), REFUSED),
    "length list": (framed(b"content-length: 5, 5"), REFUSED),
    "length with a sign": (framed(b"content-length: +5"), REFUSED),
    "length below nothing": (framed(b"content-length: -5"), REFUSED),
    "length in hex": (framed(b"content-length: 0x5"), REFUSED),
    "length of nothing": (framed(b"content-length: "), REFUSED),
    "length with an underscore": (framed(b"content-length: 1_0"), REFUSED),
    "length that wraps 64 bits": (framed(b"content-length: 18446744073709551621"), REFUSED),
    "length too large": (framed(b"content-length: 999999999"), [413]),
    "length too short": (framed(b"content-length: 3"), [405, 400]),
    "length and chunks": (framed(b"content-length: 5\r\ntransfer-encoding: chunked", CHUNKS), REFUSED),
    "chunks and length": (framed(b"transfer-encoding: chunked\r\ncontent-length: 5", CHUNKS), REFUSED),
    "chunks": (chunked(CHUNKS), BOTH),
    "chunks in capitals": (framed(b"TRANSFER-ENCODING: CHUNKED", CHUNKS), BOTH),
    "chunked twice": (framed(b"transfer-encoding: chunked\r\ntransfer-encoding: chunked", CHUNKS), REFUSED),
    "chunked, chunked": (framed(b"transfer-encoding: chunked, chunked", CHUNKS), REFUSED),
    "chunked, identity": (framed(b"transfer-encoding: chunked, identity", CHUNKS), REFUSED),
    "identity, chunked": (framed(b"transfer-encoding: identity, chunked", CHUNKS), [501]),
    "gzip, chunked": (framed(b"transfer-encoding: gzip, chunked", CHUNKS), [501]),
    "identity": (framed(b"transfer-encoding: identity", CHUNKS), [501]),
    "xchunked": (framed(b"transfer-encoding: xchunked", CHUNKS), [501]),
    "chunked with a parameter": (framed(b"transfer-encoding: chunked;x=1", CHUNKS), [501]),
    "chunked after a vertical tab": (framed(b"transfer-encoding: \x0bchunked", CHUNKS), REFUSED),
    "no encoding": (framed(b"transfer-encoding:", CHUNKS), REFUSED),
    "no encoding and a length": (framed(b"content-length: 5\r\ntransfer-encoding:"), REFUSED),
    "space before the colon": (framed(b"transfer-encoding : chunked", CHUNKS), REFUSED),
    "folded": (framed(b"transfer-encoding:\r\n chunked", CHUNKS), REFUSED),
    "folded into another": (framed(b"x: y\r\n transfer-encoding: chunked", CHUNKS), REFUSED),
    "HTTP/1.0 in chunks": (
        b"POST /ready HTTP/1.0\r\nhost: localhost\r\ntransfer-encoding: chunked\r\n\r\n" + CHUNKS + NEXT,
        REFUSED,
    ),
    "chunk below nothing": (chunked(b"-5\r\nhello\r\n0\r\n\r\n"), REFUSED),
    "chunk with a prefix": (chunked(b"0x5\r\nhello\r\n0\r\n\r\n"), REFUSED),
    "chunk that wraps 64 bits": (chunked(b"10000000000000005\r\nhello\r\n0\r\n\r\n"), REFUSED),
    "chunk with an extension": (chunked(b"5;a=b\r\nhello\r\n0\r\n\r\n"), BOTH),
    "chunk extension that ends in LF": (chunked(b"5;a\nhello\r\n0\r\n\r\n"), REFUSED),
    "chunk lines that end in LF": (chunked(b"5\nhello\n0\n\n"), REFUSED),
    "chunk longer than its size": (chunked(b"5\r\nhelloX\r\n0\r\n\r\n"), REFUSED),
    "chunk with a space": (chunked(b"5 \r\nhello\r\n0\r\n\r\n"), REFUSED),
    "chunk of no number": (chunked(b"zz\r\n"), REFUSED),
    "length in a trailer": (chunked(b"5\r\nhello\r\n0\r\ncontent-length: 50\r\n\r\n"), REFUSED),
    "trailer": (chunked(b"5\r\nhello\r\n0\r\nx: y\r\n\r\n"), BOTH),
    "trailers without end": (chunked(b"0\r\n" + b"x: y\r\n" * 40_000), [431]),
    "lines that end in LF": (POST.replace(b"\r", b"") + b"content-length: 5\n\nhello" + NEXT, REFUSED),
    "lines that end in CR": (POST.replace(b"\n", b"") + b"content-length: 5\r\rhello" + NEXT, REFUSED),
    "CR in a value": (framed(b"x: a\rcontent-length: 5"), REFUSED),
    "NUL in a value": (framed(b"x: a\0b\r\ncontent-length: 5"), REFUSED),
    "NUL in a name": (framed(b"x\0y: a\r\ncontent-length: 5"), REFUSED),
    "space in a name": (framed(b"x y: a\r\ncontent-length: 5"), REFUSED),
    "no name": (framed(b": a\r\ncontent-length: 5"), REFUSED),
    "no Host": (b"GET /ready HTTP/1.1\r\n\r\n" + NEXT, REFUSED),
    "two Hosts": (b"GET /ready HTTP/1.1\r\nhost: localhost\r\nhost: localhost\r\n\r\n" + NEXT, REFUSED),
    "header too large": (framed(b"x: " + b"a" * 70_000), [431]),
    "headers too large together": (framed(b"\r\n".join(b"x%d: y" % number for number in range(20_000))), [431]),
    "header without end": (POST + b"x: " + b"a" * 400_000, [431]),
    "address without end": (b"GET /" + b"a" * 400_000, [431]),
    "address in UTF-8": ("GET /é HTTP/1.1\r\nhost: localhost\r\n\r\n".encode() + NEXT, REFUSED),
    "address with a space": (b"GET /a b HTTP/1.1\r\nhost: localhost\r\n\r\n" + NEXT, REFUSED),
    "upgrade": (framed(b"connection: upgrade\r\nupgrade: h2c\r\ncontent-length: 5"), REFUSED),
    "tunnel": (b"CONNECT a:1 HTTP/1.1\r\nhost: a\r\n\r\n" + NEXT, REFUSED),
    "HTTP/2": (b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", REFUSED),
    "HTTP/2 in a line": (b"GET /ready HTTP/2.0\r\nhost: localhost\r\n\r\n" + NEXT, [505]),
    "HTTP/0.9": (b"GET /ready\r\n\r\n" + NEXT, [505]),
    "TLS": (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + NEXT, REFUSED),
    "a response": (b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n" + NEXT, REFUSED),
    "nothing": (b"", []),
    "only line ends": (b"\r\n" * 40_000, [431]),
    "cut in the line": (b"POST /rea", []),
    "cut in the headers": (POST + b"content-len", []),
    "cut in the body": (POST + b"content-length: 5\r\n\r\nhel", []),
    "cut in a chunk": (POST + b"transfer-encoding: chunked\r\n\r\n5\r\nhe", []),
    "behind the last": (POST + b"connection: close\r\ncontent-length: 5\r\n\r\nhello" + NEXT, ONE),
    "pipeline": (POST + b"content-length: 0\r\n\r\n" + NEXT, BOTH),
}


def statuses(running: Bridge, data: bytes) -> list[int]:
    """Send bytes and the end of them; return the statuses of all answers until the bridge closes."""
    with socket.create_connection(("127.0.0.1", running.port), timeout=10) as connection:
        received = b""
        try:
            connection.sendall(data)
            connection.shutdown(socket.SHUT_WR)
        except ConnectionError:
            pass  # it was refused while it was sent; the answer may be here all the same
        try:
            while piece := connection.recv(65536):
                received += piece
        except ConnectionResetError:
            pass  # as above
    return [int(status) for status in re.findall(rb"HTTP/1.1 (\d+)", received)]


@pytest.mark.parametrize("name", CORPUS)
def test_the_corpus(hostile_bridge: Bridge, name: str) -> None:
    data, expected = CORPUS[name]
    assert statuses(hostile_bridge, data) == expected
    assert statuses(hostile_bridge, NEXT) == [200]


LENGTHS = [b"5", b"5", b"05", b"3", b"+5", b"-5", b"5, 5", b"0x5", b"", b"5 ", b"\t5", b"5\x0b", b"9" * 30, b"five"]
ENCODINGS = [b"chunked", b"chunked", b"Chunked", b"identity", b"gzip, chunked", b"chunked,", b"x", b"", b"chunked\0"]
FIELDS = st.lists(
    st.sampled_from(LENGTHS).map(lambda value: (b"content-length", b": ", value))
    | st.sampled_from(ENCODINGS).map(lambda value: (b"transfer-encoding", b": ", value))
    | st.tuples(
        st.sampled_from([b"Content-Length", b"CONTENT-LENGTH", b"Transfer-Encoding", b"transfer_encoding", b"x"]),
        st.sampled_from([b":", b": ", b":\t", b" : ", b"\t:", b":\r\n ", b": \r\n"]),
        st.sampled_from([b"5", b"chunked"]),
    ),
    max_size=3,
)


def means(fields: list[tuple[bytes, bytes, bytes]]) -> list[int]:
    """Return the statuses that RFC 9112 asks for, by the strict reading, with a body in chunks or of five bytes."""
    known = [(name.lower(), colon, value.strip(b" \t")) for name, colon, value in fields]
    if any(colon.strip(b" \t") != b":" or colon[0] != ord(":") for _, colon, _ in known):
        return REFUSED
    lengths = [value for name, _, value in known if name == b"content-length"]
    codings = [value.lower() for name, _, value in known if name == b"transfer-encoding"]
    if len(lengths) + len(codings) > 1:
        return REFUSED
    if codings:
        return {b"chunked": BOTH, b"gzip, chunked": [501], b"identity": [501], b"x": [501], b"5": [501]}.get(
            codings[0], REFUSED
        )
    if not lengths:
        return [405, 400]  # the body that nobody announced is the next request, and none
    return {b"5": BOTH, b"05": BOTH, b"3": [405, 400]}.get(lengths[0], REFUSED)


def check_fields(running: Bridge, fields: list[tuple[bytes, bytes, bytes]]) -> None:
    chunks = any(name.lower() == b"transfer-encoding" for name, _, _ in fields)
    head = b"".join(name + colon + value + b"\r\n" for name, colon, value in fields)
    data = POST + head + b"\r\n" + (CHUNKS if chunks else b"hello") + NEXT
    assert statuses(running, data) == means(fields)


def check_cut(running: Bridge, data: bytes, at: int, insert: bytes) -> None:
    """However a good request is spoiled, the bridge answers what is whole and closes."""
    found = statuses(running, data[:at] + insert + data[at:])
    assert set(found) <= {200, 400, 404, 405, 413, 431, 501, 505}
    assert len(found) <= 3


GOOD = st.sampled_from([framed(b"content-length: 5"), chunked(CHUNKS), NEXT])
INSERTS = st.binary(max_size=6) | st.sampled_from([b"\r\n", b"\r\n\r\n", b"\n", b"\r", b"\0", b": ", NEXT, CHUNKS])


@pytest.mark.parametrize("count", HOSTILE)
def test_headers_about_the_body_are_read_strictly(hostile_bridge: Bridge, count: int) -> None:
    with untouched(hostile_bridge):
        cases(FIELDS, count=count)(lambda fields: check_fields(hostile_bridge, fields))()


@pytest.mark.parametrize("count", HOSTILE)
def test_spoiled_requests_are_refused(hostile_bridge: Bridge, count: int) -> None:
    with untouched(hostile_bridge):
        spoil = cases(GOOD, st.integers(0, 150), INSERTS, count=count)
        spoil(lambda data, at, insert: check_cut(hostile_bridge, data, at, insert))()


def test_a_request_may_come_a_byte_at_a_time(hostile_bridge: Bridge) -> None:
    with socket.create_connection(("127.0.0.1", hostile_bridge.port), timeout=10) as connection:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for byte in framed(b"content-length: 5"):
            connection.sendall(bytes([byte]))
        received = b""
        while piece := connection.recv(65536):
            received += piece
    assert [int(status) for status in re.findall(rb"HTTP/1.1 (\d+)", received)] == BOTH


def test_a_trailer_does_not_pass_for_a_header(hostile_bridge: Bridge) -> None:
    session = open_session(hostile_bridge)["mcp-session-id"].encode()
    body = b'{"jsonrpc":"2.0","id":1,"method":"ping"}'
    head = b"POST /mcp HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\ntransfer-encoding: chunked\r\n"
    trailer = b"mcp-session-id: " + session + b"\r\n"
    data = head + b"\r\n%x\r\n%b\r\n0\r\n" % (len(body), body) + trailer + b"\r\n" + NEXT
    assert statuses(hostile_bridge, data) == [400, 200]


def test_thousands_of_requests_behind_one_that_waits_are_answered(hostile_bridge: Bridge) -> None:
    """Each of them is answered at once when its turn comes: that must not pile up on the stack."""
    session = open_session(hostile_bridge)
    body = b'{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"hold","arguments":{}}}'
    head = b"POST /mcp HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\ncontent-length: %d\r\n" % len(
        body
    )
    head += b"mcp-session-id: " + session["mcp-session-id"].encode() + b"\r\n\r\n"
    many = 2000
    data = head + body + b"GET /ready HTTP/1.1\r\nhost: localhost\r\n\r\n" * many + NEXT
    address = ("127.0.0.1", hostile_bridge.port)
    with socket.create_connection(address, timeout=10) as connection, ThreadPoolExecutor(1) as pool:
        sent = pool.submit(connection.sendall, data)
        while text_of(post(hostile_bridge, "tools/call", {"name": "held"}, number="h", headers=session)) != "1":
            pass
        post(hostile_bridge, "tools/call", {"name": "release"}, number="r", headers=session)
        received = b""
        while piece := connection.recv(65536):
            received += piece
        sent.result()
    assert received.count(b"HTTP/1.1 200 OK") == many + 2
    assert not [line for line in hostile_bridge.raw if "traceback" in line]
