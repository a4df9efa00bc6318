"""One TCP connection: requests are parsed, handed to the application one by one, and answered in their order."""

import asyncio
from collections import deque
from collections.abc import Callable
from typing import Final, cast

import httptools

from . import answer
from .application import Application
from .head import LENGTH, Head, Heads
from .reply import Reply
from .request import Request

MAX_HEADER_BYTES: Final = 64 * 1024
MAX_PIPELINED: Final = 16
"""Requests that may wait behind the one in progress before the connection is no longer read."""

PAUSE_SECONDS: Final = 60.0
"""Pause within a request, or in taking its answer, after which the connection is closed."""

HEAD_SECONDS: Final = 60.0
REQUEST_SECONDS: Final = 300.0
"""Within which the headers, and the whole request, must be here: a byte now and then must not hold a connection."""

IDLE_SECONDS: Final = 4000.0
"""Idle connections are kept longer than a proxy keeps them (Envoy: an hour), so that the proxy is never surprised."""

LINGER_SECONDS: Final = 2.0
"""How long the rest of a refused request is read, so that the client gets to see the refusal."""

HIGH_WATER_BYTES: Final = 256 * 1024
"""Unsent bytes at which no further request of this connection is begun."""


class Connection(asyncio.Protocol):
    """One connection, from accept to close.

    Arguments:
        application: serves the requests.
        heads: heads that were parsed before.
        clock: monotonic seconds.
    """

    def __init__(self, application: Application, heads: Heads, clock: Callable[[], float]) -> None:
        self._application = application
        self._heads = heads
        self._clock = clock
        self._transport: asyncio.Transport | None = None
        self._parser = httptools.HttpRequestParser(self)
        # Per connection
        self.closing = False
        self.draining = False
        self._refused = False
        self.last_used = clock()
        self.reply: Reply | None = None
        self._waiting: deque[Request] = deque()
        self._reading = True
        self._writable = True
        self._serving = False
        self._said_last = False
        self._written = 0
        self._taken = 0
        self._taken_at = 0.0
        # Per piece of data
        self._parsed: list[Head] = []
        # Per request
        self._url = b""
        self._headers: dict[bytes, bytes] = {}
        self._repeated: set[bytes] = set()
        self._body: list[bytes] = []
        self._body_bytes = 0
        self._head_bytes = 0
        self._field_bytes = 0
        self._in_head = True
        self._began: float | None = None

    # asyncio.Protocol

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        # uvloop's transports have the interface, but are no subclasses of asyncio's.
        self._transport = cast("asyncio.Transport", transport)
        self._transport.set_write_buffer_limits(high=HIGH_WATER_BYTES)

    def connection_lost(self, exc: Exception | None) -> None:
        self._transport = None
        self.closing = True
        self._waiting.clear()
        reply, self.reply = self.reply, None
        if reply is not None and not reply.ended:
            reply.ended = True
            self._application.hung_up(reply)
        self._application.closed(self)

    def data_received(self, data: bytes) -> None:
        if self.closing:
            return
        self.last_used = self._clock()
        # Between two requests the parser has no state, unless it knows of the last one that it is the last.
        between = self._began is None and not self._head_bytes and not self._said_last
        if between:
            known = self._heads.find(data, self._application.max_body_bytes)
            if known is not None:
                self._take(Request(*known))
                return
        self._parse(data)
        if between and self._began is None and len(self._parsed) == 1:
            self._heads.keep(data, self._parsed[0])

    def _parse(self, data: bytes) -> None:
        self._parsed.clear()
        if self._in_head:
            self._head_bytes += len(data)
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserError as error:
            # What a callback raises arrives as the cause of the parser's own error.
            cause = error.__context__
            if isinstance(cause, _RefusedError):
                self._refuse(cause.status, cause.text)
            else:
                self._refuse(400, b"Not an HTTP request.\n")
        else:
            if self._in_head and self._head_bytes > MAX_HEADER_BYTES:
                self._refuse(431, b"The headers are too large.\n")

    def eof_received(self) -> bool:
        return False  # close

    def pause_writing(self) -> None:
        self._writable = False

    def resume_writing(self) -> None:
        self._writable = True
        self._next()

    # httptools

    def on_message_begin(self) -> None:
        self._url = b""
        self._headers = {}
        self._repeated = set()
        self._body = []
        self._body_bytes = 0
        self._field_bytes = 0
        self._began = self.last_used

    def on_url(self, url: bytes) -> None:
        self._url += url
        self._field_bytes += len(url)

    def on_header(self, name: bytes, value: bytes) -> None:
        self._field_bytes += len(name) + len(value)
        if self._field_bytes > MAX_HEADER_BYTES:
            raise _RefusedError(431, b"The headers are too large.\n")
        if not self._in_head:
            return  # a trailer: it must not pass for a header (RFC 9110, 6.5.1)
        name = name.lower()
        if name in self._headers:
            self._repeated.add(name)
        self._headers[name] = value.strip()

    def on_headers_complete(self) -> None:
        self._in_head = False
        headers = self._headers
        if self._parser.should_upgrade():
            raise _RefusedError(400, b"This server does not upgrade connections.\n")
        version = self._parser.get_http_version()
        if version not in ("1.1", "1.0"):
            raise _RefusedError(505, b"This server speaks HTTP/1.1.\n")
        if b"host" not in headers and version == "1.1":
            raise _RefusedError(400, b"The Host header is missing.\n")
        if b"host" in self._repeated:
            raise _RefusedError(400, b"There is more than one Host header.\n")
        if b"transfer-encoding" in headers:
            if version == "1.0" or b"transfer-encoding" in self._repeated:
                raise _RefusedError(400, b"Transfer-Encoding is for HTTP/1.1, and once.\n")
            if headers[b"transfer-encoding"].lower() != b"chunked":
                raise _RefusedError(501, b"The only Transfer-Encoding here is chunked.\n")
        length = headers.get(b"content-length")
        if length is not None and int(length) > self._application.max_body_bytes:
            raise _RefusedError(413, b"The body is too large.\n")
        if b"expect" in headers and headers[b"expect"].lower() == b"100-continue" and self._owes_nothing:
            self.write(b"HTTP/1.1 100 Continue\r\n\r\n")

    def on_body(self, body: bytes) -> None:
        self._body_bytes += len(body)
        if self._body_bytes > self._application.max_body_bytes:
            raise _RefusedError(413, b"The body is too large.\n")
        self._body.append(body)

    def on_message_complete(self) -> None:
        self._in_head = True
        self._head_bytes = 0
        self._began = None
        sized = self._headers.pop(LENGTH, None) is not None
        head = Head(
            method=self._parser.get_method(),
            path=self._url.partition(b"?")[0],
            headers=self._headers,
            sized=sized,
            http_1_1=self._parser.get_http_version() == "1.1",
            keep_alive=self._parser.should_keep_alive(),
            repeated=frozenset(self._repeated),
        )
        self._said_last = not head.keep_alive
        self._parsed.append(head)
        self._take(Request(head, self._headers, self._body[0] if len(self._body) == 1 else b"".join(self._body)))

    # Requests in order

    def _take(self, request: Request) -> None:
        """Take a whole request: it is begun when all before it are answered."""
        if self.reply is None and self._writable and not self._waiting and not self._serving:
            self.reply = reply = Reply(self, request)
            self._application.serve(request, reply)
            return
        self._waiting.append(request)
        if len(self._waiting) >= MAX_PIPELINED and self._reading and self._transport is not None:
            self._reading = False
            self._transport.pause_reading()
        self._next()

    def _next(self) -> None:
        """Begin the next request, if none is in progress and the client reads its answers."""
        if self._serving:
            return  # answered while it was begun: the loop below goes on
        self._serving = True
        try:
            while self._waiting and self.reply is None and self._writable and self._transport is not None:
                request = self._waiting.popleft()
                reply = Reply(self, request)
                self.reply = reply
                self._application.serve(request, reply)
        finally:
            self._serving = False
        if not self._reading and len(self._waiting) < MAX_PIPELINED and self._transport is not None:
            self._reading = True
            self._transport.resume_reading()

    def answered(self, *, close: bool) -> None:
        """The request in progress has its whole answer."""
        self.reply = None
        self.last_used = self._clock()
        if close:
            self.close()
        elif self._waiting:
            self._next()

    @property
    def last_request(self) -> bool:
        """Whether the connection closes after the answer in progress."""
        return self.closing or (self.draining and not self._waiting)

    @property
    def _owes_nothing(self) -> bool:
        """Whether no whole request is here that has no answer yet."""
        return self.reply is None and not self._waiting

    @property
    def idle(self) -> bool:
        """Whether no request is in progress, not even in part."""
        return self._owes_nothing and self._began is None

    def overdue(self, now: float) -> bool:
        """Whether the client is too slow with a request that it began, or has not used the connection for long."""
        if self._refused:
            return now - self.last_used > LINGER_SECONDS
        if not self._owes_nothing:
            return False
        if self._began is None:
            return now - self.last_used > IDLE_SECONDS
        allowed = HEAD_SECONDS if self._in_head else REQUEST_SECONDS
        return now - self.last_used > PAUSE_SECONDS or now - self._began > allowed

    def stuck(self, now: float) -> bool:
        """Whether the client has taken nothing for long of what waits for it. To be asked every second or so."""
        unsent = self.unsent
        taken = self._written - unsent
        if not unsent or taken > self._taken:
            self._taken, self._taken_at = taken, now
        return now - self._taken_at > PAUSE_SECONDS

    @property
    def unsent(self) -> int:
        """Bytes that the client has not taken yet."""
        return self._transport.get_write_buffer_size() if self._transport is not None else 0

    def write(self, data: bytes) -> None:
        """Write bytes; ignored when the client has left."""
        if self._transport is not None:
            self._written += len(data)
            self._transport.write(data)

    def close(self) -> None:
        """Close when everything is sent."""
        self.closing = True
        self._waiting.clear()
        if self._transport is not None:
            self._transport.close()

    def abort(self) -> None:
        """Close at once, whatever is unsent."""
        self.closing = True
        if self._transport is not None:
            self._transport.abort()

    def _refuse(self, status: int, text: bytes) -> None:
        """Answer what is no acceptable request, and close.

        The rest of it is read and dropped for a while: closing with unread bytes resets the connection, and the client
        would not see the answer (RFC 9112, 9.6).
        """
        if self.reply is not None or self.closing or self._transport is None:
            self.close()
            return
        self._application.refused(status)
        self.write(answer.complete(status, answer.TEXT, text, close=True))
        self.closing = True
        self._transport.write_eof()
        self.last_used = self._clock()
        self._refused = True


class _RefusedError(Exception):
    def __init__(self, status: int, text: bytes) -> None:
        super().__init__(text)
        self.status = status
        self.text = text
