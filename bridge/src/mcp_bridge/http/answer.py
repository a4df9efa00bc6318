"""The bytes of HTTP answers."""

import time
from email.utils import formatdate
from http import HTTPStatus
from typing import Final

STATUS_LINE: Final = {status.value: f"HTTP/1.1 {status.value} {status.phrase}\r\n".encode() for status in HTTPStatus}
JSON: Final = b"content-type: application/json\r\n"
TEXT: Final = b"content-type: text/plain; charset=utf-8\r\n"
CLOSE: Final = b"connection: close\r\n"
EVENT_STREAM: Final = (
    b"content-type: text/event-stream\r\ncache-control: no-cache, no-transform\r\nx-accel-buffering: no\r\n"
)
CHUNKED: Final = b"transfer-encoding: chunked\r\n"
LAST_CHUNK: Final = b"0\r\n\r\n"


class _Date:
    """The Date header, formatted once a second (RFC 9110, 6.6.1)."""

    def __init__(self) -> None:
        self._second = 0
        self._line = b""

    def line(self) -> bytes:
        now = int(time.time())
        if now != self._second:
            self._second = now
            self._line = f"date: {formatdate(now, usegmt=True)}\r\n".encode()
        return self._line


_date = _Date()


def complete(status: int, headers: bytes, body: bytes, *, close: bool) -> bytes:
    """Return a whole answer. `headers` are ready lines, each with its line end."""
    return b"".join(
        (
            STATUS_LINE[status],
            _date.line(),
            headers,
            CLOSE if close else b"",
            b"content-length: %d\r\n\r\n" % len(body),
            body,
        )
    )


def stream_head(headers: bytes, *, chunked: bool, close: bool) -> bytes:
    """Return the head of an event stream."""
    return b"".join(
        (
            STATUS_LINE[200],
            _date.line(),
            EVENT_STREAM,
            headers,
            CHUNKED if chunked else b"",
            CLOSE if close else b"",
            b"\r\n",
        )
    )


def chunk(data: bytes) -> bytes:
    """Return one chunk (RFC 9112, 7.1)."""
    return b"%x\r\n%b\r\n" % (len(data), data)


def event(message: bytes) -> bytes:
    """Return one server-sent event that carries a JSON-RPC message."""
    if b"\n" in message or b"\r" in message:
        message = message.replace(b"\n", b" ").replace(b"\r", b" ")
    return b"event: message\r\ndata: " + message + b"\r\n\r\n"


def numbered_event(identifier: bytes, message: bytes) -> bytes:
    """Return a server-sent event that a client can name when it resumes."""
    return b"id: " + identifier + b"\r\n" + event(message)


def primer(identifier: bytes, retry_milliseconds: int) -> bytes:
    """Return an event without a message: it tells from where to resume, and after which pause."""
    return b"id: %b\r\nretry: %d\r\ndata: \r\n\r\n" % (identifier, retry_milliseconds)


PING: Final = b": ping\r\n\r\n"
