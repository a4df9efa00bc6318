"""HTTP parsing and the order of answers, on a transport that is a list: no socket, no loop."""

from collections.abc import Callable
from typing import Any

from hypothesis import strategies as st
from mcp_bridge.http.connection import MAX_PIPELINED, Connection
from mcp_bridge.http.head import Heads
from mcp_bridge.http.reply import MAX_UNSENT_BYTES, Reply
from mcp_bridge.http.request import Request

from bridge.tests.cases import cases


class Transport:
    """Remembers what was written."""

    def __init__(self) -> None:
        self.written = b""
        self.closed = False
        self.half_closed = False
        self.reading = True
        self.unsent = 0

    def write(self, data: bytes) -> None:
        self.written += data

    def close(self) -> None:
        self.closed = True

    abort = close

    def write_eof(self) -> None:
        self.half_closed = True

    def pause_reading(self) -> None:
        self.reading = False

    def resume_reading(self) -> None:
        self.reading = True

    def set_write_buffer_limits(self, high: int) -> None:
        """Nothing is buffered here."""

    def get_write_buffer_size(self) -> int:
        return self.unsent


class Application:
    """Remembers requests, and answers when it is told to."""

    max_body_bytes = 1000

    def __init__(self, at_once: bool = True) -> None:
        self.at_once = at_once
        self.requests: list[Request] = []
        self.replies: list[Reply] = []
        self.left: list[Reply] = []

    def serve(self, request: Request, reply: Reply) -> None:
        self.requests.append(request)
        self.replies.append(reply)
        if self.at_once:
            reply.complete(200, b"", request.body)

    def refused(self, status: int) -> None:
        """Not looked at."""

    def hung_up(self, reply: Reply) -> None:
        self.left.append(reply)

    def closed(self, connection: Connection) -> None:
        """Connections are not counted here."""


def connect(application: Application, clock: Callable[[], float] = lambda: 0.0) -> tuple[Connection, Transport]:
    connection, transport = Connection(application, Heads(), clock), Transport()
    connection.connection_made(transport)  # type: ignore[arg-type]
    return connection, transport


def message(body: bytes, chunked: bool = False) -> bytes:
    if not chunked:
        return b"POST /mcp?x=1 HTTP/1.1\r\nHost: a\r\nContent-Length: %d\r\n\r\n%b" % (len(body), body)
    pieces = [body[start : start + 7] for start in range(0, len(body), 7)]
    framed = b"".join(b"%x\r\n%b\r\n" % (len(piece), piece) for piece in pieces)
    return b"POST /mcp HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n" + framed + b"0\r\n\r\n"


@cases(
    bodies=st.lists(st.tuples(st.binary(max_size=60), st.booleans()), min_size=1, max_size=10),
    cuts=st.lists(st.integers(1, 50), max_size=60),
)
def test_requests_come_out_whole_however_they_are_cut(bodies: list[tuple[bytes, bool]], cuts: list[int]) -> None:
    application = Application()
    connection, transport = connect(application)
    stream = b"".join(message(body, chunked) for body, chunked in bodies)
    for cut in cuts:
        if stream[:cut]:
            connection.data_received(stream[:cut])
        stream = stream[cut:]
    if stream:
        connection.data_received(stream)
    assert [request.body for request in application.requests] == [body for body, _ in bodies]
    assert {(request.head.method, request.head.path) for request in application.requests} == {(b"POST", b"/mcp")}
    assert transport.written.count(b"HTTP/1.1 200 OK\r\n") >= len(bodies)
    assert connection.idle


@cases(st.binary(min_size=1, max_size=300))
def test_no_bytes_make_a_connection_raise(data: bytes) -> None:
    application = Application()
    connection, transport = connect(application)
    connection.data_received(data)
    connection.data_received(data)
    assert transport.half_closed == (b"HTTP/1.1 4" in transport.written)


def test_a_client_that_pipelines_without_end_is_not_read_any_more() -> None:
    application = Application(at_once=False)
    connection, transport = connect(application)
    connection.data_received(message(b"x") * (MAX_PIPELINED + 1))
    assert len(application.requests) == 1
    assert not transport.reading
    application.replies[0].complete(200, b"", b"")
    application.replies[1].complete(200, b"", b"")
    assert transport.reading


def test_nothing_new_is_begun_for_a_client_that_does_not_read() -> None:
    application = Application()
    connection, _ = connect(application)
    connection.pause_writing()
    connection.data_received(message(b"x") * 2)
    assert application.requests == []
    connection.resume_writing()
    assert len(application.requests) == 2


def test_an_event_stream_that_is_not_read_is_cut() -> None:
    application = Application(at_once=False)
    connection, transport = connect(application)
    connection.data_received(message(b"x"))
    [reply] = application.replies
    reply.begin_stream()
    assert reply.put(b"data: 1\r\n\r\n")
    transport.unsent = MAX_UNSENT_BYTES + 1
    assert not reply.put(b"data: 2\r\n\r\n")
    assert transport.closed
    connection.connection_lost(None)
    assert application.left == [reply]
    assert not reply.put(b"data: 3\r\n\r\n")


def test_an_answer_for_a_client_that_left_goes_nowhere() -> None:
    application = Application(at_once=False)
    connection, transport = connect(application)
    connection.data_received(message(b"x"))
    connection.connection_lost(None)
    application.replies[0].complete(200, b"", b"late")
    assert transport.written == b""
    assert application.left == application.replies


def test_a_draining_connection_closes_after_its_last_answer() -> None:
    application = Application(at_once=False)
    connection, transport = connect(application)
    connection.data_received(message(b"1") + message(b"2"))
    connection.draining = True
    application.replies[0].complete(200, b"", b"one")
    assert not transport.closed
    application.replies[1].complete(200, b"", b"two")
    assert transport.closed
    assert transport.written.count(b"connection: close") == 1


def test_a_stream_ends_and_the_connection_goes_on() -> None:
    application = Application(at_once=False)
    connection, transport = connect(application)
    connection.data_received(message(b"x"))
    [reply] = application.replies
    reply.begin_stream(b"mcp-session-id: 1\r\n")
    reply.put(b"data: 1\r\n\r\n")
    reply.end_stream()
    assert transport.written.endswith(b"b\r\ndata: 1\r\n\r\n\r\n0\r\n\r\n")
    assert not transport.closed
    connection.data_received(message(b"y"))
    assert len(application.requests) == 2


def test_bytes_now_and_then_do_not_hold_a_connection() -> None:
    now = 0.0
    connection, _ = connect(Application(), lambda: now)
    for byte in b"POST / HTTP/1.1\r\nhost: a\r\nx: " + b"y" * 32:
        assert not connection.overdue(now)
        connection.data_received(bytes([byte]))
        now += 1.0
    assert connection.overdue(now)


def test_a_body_may_take_its_time_but_not_for_ever() -> None:
    now = 0.0
    connection, _ = connect(Application(), lambda: now)
    connection.data_received(message(b"x" * 900)[:-900])
    while now < 290:
        assert not connection.overdue(now)
        connection.data_received(b"x")
        now += 10.0
    assert connection.overdue(now + 20)


def test_a_client_that_takes_nothing_of_its_answer_is_stuck() -> None:
    connection, transport = connect(Application())
    connection.data_received(message(b"x" * 900))
    transport.unsent = 500
    assert not any(connection.stuck(float(now)) for now in range(60))
    transport.unsent = 400
    assert not any(connection.stuck(float(now)) for now in range(60, 120))
    assert connection.stuck(121.0)
    transport.unsent = 0
    assert not connection.stuck(122.0)


def test_an_invitation_to_continue_does_not_break_into_an_answer() -> None:
    application = Application(at_once=False)
    connection, transport = connect(application)
    expecting = b"POST /b HTTP/1.1\r\nhost: a\r\nexpect: 100-continue\r\ncontent-length: 1\r\n\r\n"
    connection.data_received(expecting)
    assert transport.written == b"HTTP/1.1 100 Continue\r\n\r\n"
    connection.data_received(b"x")
    application.replies[0].begin_stream()
    written = transport.written
    connection.data_received(expecting)
    assert transport.written == written


def test_repeated_headers_are_noted() -> None:
    application = Application()
    connection, _ = connect(application)
    connection.data_received(b"GET / HTTP/1.1\r\nhost: a\r\nMCP-Name: x\r\nmcp-name: y\r\n\r\n")
    [request] = application.requests
    seen: Any = (request.head.repeated, request.header(b"mcp-name"))
    assert seen == ({b"mcp-name"}, "y")
