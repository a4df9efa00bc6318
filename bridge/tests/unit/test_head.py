"""Heads that were parsed before: what is not parsed again must be served as if it were."""

from hypothesis import strategies as st
from mcp_bridge.http.connection import Connection
from mcp_bridge.http.head import MAX_KNOWN, Heads

from bridge.tests.cases import cases
from bridge.tests.unit.test_connection import Application, Transport

LINES = (
    b"Host: a",
    b"Host: a, b",
    b"content-type: application/json",
    b"Content-Length: 5",
    b"content-length: 5",
    b"content-length: 7",
    b"content-length: 05",
    b"content-length: 5 ",
    b"content-length:",
    b"content-length: \0",
    b"CONTENT-LENGTH: 5",
    b"Content-Length: +5",
    b"transfer-encoding: chunked",
    b"x-request-id: one",
    b"x-request-id: two",
    b"x-request-id: ",
    b"x-request-id: \0",
    b"traceparent: 00-1-2-01",
    b"expect: 100-continue",
    b"connection: close",
    b"connection: upgrade\r\nupgrade: h2c",
    b" folded",
)
BODIES = (
    b"",
    b"12345",
    b"1234567",
    b"5\r\n12345\r\n0\r\n\r\n",
    b"12345\r\n",
    b"12345POST /b HTTP/1.1\r\nHost: a\r\n\r\n",
)


class Forgetful(Heads):
    """Knows no head."""

    def keep(self, data: bytes, head: object) -> None:
        """Forget it."""


@st.composite
def requests(draw: st.DrawFn) -> bytes:
    """Draw what a client may send in one piece: mostly one request, as it should be or not quite."""
    line = draw(
        st.sampled_from([b"POST /a HTTP/1.1", b"GET /a HTTP/1.1", b"POST /a HTTP/1.0", b"\r\nPOST /a HTTP/1.1"])
    )
    fields = [b"Host: a", *draw(st.lists(st.sampled_from(LINES), max_size=4))]
    return b"\r\n".join([line, *fields, b"", b""]) + draw(st.sampled_from(BODIES))


def transcript(heads: Heads, pieces: list[bytes], at_once: bool) -> list[object]:
    """Return what an application sees and a client reads, on one connection and then on one for each piece."""
    application = Application(at_once)
    seen: list[object] = []
    together = [pieces, *([piece] for piece in pieces)]
    for connection_pieces in together:
        connection, transport = Connection(application, heads, lambda: 0.0), Transport()
        connection.connection_made(transport)  # type: ignore[arg-type]
        for piece in connection_pieces:
            connection.data_received(piece)
        answers = [line for line in transport.written.split(b"\r\n") if not line.startswith(b"date: ")]
        seen.append((answers, transport.closed, transport.half_closed))
    for request in application.requests:
        head = request.head
        seen.append((head.method, head.path, request.headers, head.repeated, head.keep_alive, request.body))
    return seen


@cases(st.lists(requests(), min_size=1, max_size=8), st.booleans(), count=200)
def test_a_head_that_is_known_is_served_as_if_it_were_parsed(pieces: list[bytes], at_once: bool) -> None:
    heads = Heads()
    assert transcript(heads, pieces, at_once) == transcript(Forgetful(), pieces, at_once)
    assert transcript(heads, pieces, at_once) == transcript(Forgetful(), pieces, at_once)


def test_what_stands_for_a_value_that_varies_is_no_value() -> None:
    real = request(5, "one")
    forged = real.replace(b"\r\nx-request-id: one", b"\0\r\nx-request-id: \0")
    pieces = [real, forged, forged.replace(b"\r\ncontent-length: 5", b"\0\r\ncontent-length: \0")]
    assert transcript(Heads(), pieces, True) == transcript(Forgetful(), pieces, True)


def test_the_last_of_two_names_counts_whatever_it_is() -> None:
    twice = request(5, "one", b"x-request-id: \r\n")
    assert transcript(Heads(), [twice, twice], True) == transcript(Forgetful(), [twice, twice], True)


def test_nothing_is_taken_after_what_a_client_called_its_last_request() -> None:
    last = request(5, "one", b"connection: close\r\n")
    pieces = [last, last, request(5, "one"), last, request(5, "one")]
    heads = Heads()
    for _ in range(2):
        assert transcript(heads, pieces, False) == transcript(Forgetful(), pieces, False)


def request(length: int, name: str, more: bytes = b"") -> bytes:
    """Return a request as clients behind the gateway send it."""
    fields = b"host: a\r\nx-request-id: %b\r\n%bcontent-length: %d" % (name.encode(), more, length)
    return b"POST /mcp HTTP/1.1\r\n" + fields + b"\r\n\r\n" + b"x" * length


def test_requests_that_differ_in_length_and_name_only_share_a_head() -> None:
    application, heads = Application(), Heads()
    connection = Connection(application, heads, lambda: 0.0)
    connection.connection_made(Transport())  # type: ignore[arg-type]
    for number in range(1, 12):
        connection.data_received(request(number, f"r{number}"))
    first, *others = application.requests
    assert all(other.head is first.head for other in others)
    assert [other.header(b"x-request-id") for other in others] == [f"r{number}" for number in range(2, 12)]
    assert [len(other.body) for other in others] == list(range(2, 12))


def test_heads_are_bounded() -> None:
    heads = Heads()
    connection = Connection(Application(), heads, lambda: 0.0)
    connection.connection_made(Transport())  # type: ignore[arg-type]
    for number in range(MAX_KNOWN + 10):
        connection.data_received(request(3, "r", b"mcp-session-id: %d\r\n" % number))
    assert heads.find(request(3, "r", b"mcp-session-id: 1\r\n"), 100) is None
    assert heads.find(request(3, "r", b"mcp-session-id: %d\r\n" % (MAX_KNOWN + 9)), 100) is not None


def test_a_body_beyond_the_limit_is_refused_whether_its_head_is_known_or_not() -> None:
    application = Application()
    connection, transport = Connection(application, Heads(), lambda: 0.0), Transport()
    connection.connection_made(transport)  # type: ignore[arg-type]
    connection.data_received(request(10, "r"))
    connection.data_received(request(application.max_body_bytes + 1, "r"))
    assert len(application.requests) == 1
    assert b"413" in transport.written
