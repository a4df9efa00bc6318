"""One POST that waits for its answer: JSON when nothing comes before it, an event stream when something does."""

from typing import Final

from .core.errors import HTTP_STATUS
from .http import answer
from .http.reply import Reply

PING_SECONDS: Final = 15.0
"""Silence after which an event stream gets a comment, so that no proxy takes it for dead."""

BUSY: Final = 503
RETRY_AFTER: Final = b"retry-after: 2\r\n"
JSON_TYPE: Final = "application/json"
EVENT_TYPE: Final = "text/event-stream"


class HttpExchange:
    """Puts messages on the reply to one POST.

    Arguments:
        reply: where the answer goes.
        by_code: whether the HTTP status follows the JSON-RPC error code, as the stateless revision wants it.
        headers: header lines of the answer.
        now: monotonic seconds.
    """

    __slots__ = ("_by_code", "_headers", "_json", "_streams", "active_at", "reply")

    def __init__(self, reply: Reply, *, by_code: bool, headers: bytes, now: float) -> None:
        self.reply = reply
        self._by_code = by_code
        self._headers = headers
        accept = reply.request.headers.get(b"accept")
        self._streams = accept is None or reply.request.accepts(EVENT_TYPE)
        self._json = accept is None or reply.request.accepts(JSON_TYPE)
        self.active_at = now

    @property
    def streams(self) -> bool:
        """Whether the client takes an event stream."""
        return self._streams

    def send(self, message: bytes) -> bool:
        """Put a message before the answer; False where the client takes no event stream, or has left."""
        if not self._streams or self.reply.ended:
            return False
        if not self.reply.streaming:
            self.reply.begin_stream(self._headers)
        return self.reply.put(answer.event(message))

    def finish(self, message: bytes, code: int) -> None:
        """Answer."""
        if self.reply.streaming or not self._json:
            if not self.reply.streaming:
                self.reply.begin_stream(self._headers)
            self.reply.put(answer.event(message))
            self.reply.end_stream()
            return
        status = HTTP_STATUS.get(code, 200) if self._by_code else 200
        headers = answer.JSON + self._headers
        self.reply.complete(status, headers + RETRY_AFTER if status == BUSY else headers, message)

    def keep_alive(self, now: float) -> None:
        """Write a comment when nothing was written for long."""
        if not self._streams or now - self.active_at < PING_SECONDS:
            return
        self.active_at = now
        if not self.reply.streaming:
            self.reply.begin_stream(self._headers)
        self.reply.put(answer.PING)


class BatchExchange:
    """Gathers the answers of a batch (2025-03-26) into one array."""

    def __init__(self, exchange: HttpExchange, expected: int) -> None:
        self._exchange = exchange
        self._expected = expected
        self._answers: list[bytes] = []

    def send(self, message: bytes) -> bool:
        """Put a message before the answers."""
        return self._exchange.send(message)

    def finish(self, message: bytes, code: int) -> None:
        """Take one of the answers; the last one sends them all."""
        self._answers.append(message)
        if len(self._answers) == self._expected:
            self._exchange.finish(b"[" + b",".join(self._answers) + b"]", 0)


class GetStream:
    """The standing event stream of a session."""

    def __init__(self, reply: Reply, headers: bytes, now: float) -> None:
        self._reply = reply
        self.active_at = now
        reply.begin_stream(headers)
        reply.put(answer.PING)

    def send(self, message: bytes) -> bool:
        """Put one message."""
        return self._reply.put(answer.event(message))

    def close(self) -> None:
        """End the stream."""
        self._reply.end_stream()

    def keep_alive(self, now: float) -> None:
        """Write a comment when nothing was written for long."""
        if now - self.active_at >= PING_SECONDS:
            self.active_at = now
            self._reply.put(answer.PING)
