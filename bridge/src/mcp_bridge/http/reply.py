"""Where the answer to one request goes: whole, or as an event stream."""

from typing import Any, Final, Protocol

from . import answer
from .request import Request

MAX_UNSENT_BYTES: Final = 4 * 1024 * 1024
"""Unsent bytes at which an event stream is cut: its reader is too slow, and memory is not its to take."""


class Carrier(Protocol):
    """The connection, as an answer sees it."""

    @property
    def last_request(self) -> bool:
        """Whether the connection closes after the answer in progress."""

    @property
    def unsent(self) -> int:
        """Bytes that the client has not taken yet."""

    def write(self, data: bytes) -> None:
        """Write bytes."""

    def answered(self, *, close: bool) -> None:
        """The answer in progress is complete."""

    def abort(self) -> None:
        """Close at once."""


class Reply:
    """Where the answer to one request goes. After the end, and after the client left, everything is ignored."""

    __slots__ = ("_chunked", "_connection", "ended", "headers", "request", "state", "streaming")

    def __init__(self, connection: Carrier, request: Request) -> None:
        self._connection = connection
        self.request = request
        self._chunked = request.head.http_1_1
        self.streaming = False
        """Whether an event stream has begun."""
        self.ended = False
        self.headers = b""
        """Header lines of whatever answer it gets."""
        self.state: Any = None

    def complete(self, status: int, headers: bytes, body: bytes) -> None:
        """Give the whole answer at once."""
        if self.ended:
            return
        self.ended = True
        close = self._connection.last_request or not self.request.head.keep_alive
        if self.request.head.method == b"HEAD":
            body = b""
        self._connection.write(answer.complete(status, headers + self.headers, body, close=close))
        self.state = None  # which knows this reply: without the circle all of it is free at once
        self._connection.answered(close=close)

    def begin_stream(self, headers: bytes = b"") -> None:
        """Begin an event stream."""
        if self.ended or self.streaming:
            return
        self.streaming = True
        close = not self._chunked
        self._connection.write(answer.stream_head(headers + self.headers, chunked=self._chunked, close=close))

    def put(self, data: bytes) -> bool:
        """Write a piece of the stream. False where it has ended, or ends now because the client does not read it."""
        if self.ended:
            return False
        if self._connection.unsent > MAX_UNSENT_BYTES:
            self._connection.abort()
            return False
        self._connection.write(answer.chunk(data) if self._chunked else data)
        return True

    def end_stream(self) -> None:
        """End the stream; the client may go on with the connection."""
        if self.ended:
            return
        self.ended = True
        if self._chunked:
            self._connection.write(answer.LAST_CHUNK)
        self.state = None
        close = self._connection.last_request or not self._chunked or not self.request.head.keep_alive
        self._connection.answered(close=close)
