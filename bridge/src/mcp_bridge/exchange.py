"""One POST that waits for its answer: JSON when nothing comes before it, an event stream when something does."""

import math
from typing import Final

from .admission import SESSION_HEADER, Admitted
from .core import revisions
from .core.callers import Session
from .core.errors import HTTP_STATUS, RpcError, UnavailableError
from .core.event_streams import EventStream
from .core.origin import Origin
from .http import answer
from .http.reply import Reply

PING_SECONDS: Final = 15.0
"""Silence after which an event stream gets a comment, so that no proxy takes it for dead."""

RETRY_MILLISECONDS: Final = 500
"""Pause that clients are asked to make before they take up a stream again."""

BUSY: Final = 503
RETRY_AFTER: Final = b"retry-after: 2\r\n"


class HttpExchange:
    """Puts messages on the reply to one POST.

    Arguments:
        reply: where the answer goes.
        admitted: which kinds of answer the client takes.
        by_code: whether the HTTP status follows the JSON-RPC error code, as the stateless revision wants it.
        headers: header lines of the answer.
        now: monotonic seconds.
    """

    __slots__ = ("_by_code", "_headers", "_json", "_streams", "active_at", "origin", "reply")

    def __init__(self, reply: Reply, admitted: Admitted, *, by_code: bool, headers: bytes, now: float) -> None:
        self.reply = reply
        self.origin = reply.request.origin
        self._by_code = by_code
        self._headers = headers
        self._streams = admitted.takes_events
        self._json = admitted.takes_json
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

    def turn_away(self, message: bytes, error: UnavailableError) -> None:
        """Answer that the request did not run and may be repeated later, by HTTP status too in either era."""
        if self.reply.streaming or not self._json:
            self.finish(message, error.code)
        else:
            status = HTTP_STATUS[error.code]
            self.reply.complete(status, answer.JSON + self._headers + retry_after(error), message)

    def keep_alive(self, now: float) -> None:
        """Write a comment when nothing was written for long."""
        if not self._streams or now - self.active_at < PING_SECONDS:
            return
        self.active_at = now
        if not self.reply.streaming:
            self.reply.begin_stream(self._headers)
        self.reply.put(answer.PING)

    @property
    def abandoned(self) -> bool:
        """Whether nobody can get the answer any more."""
        return self.reply.ended

    def hung_up(self) -> None:
        """Its client has left; what comes now is dropped."""


class SessionExchange(HttpExchange):
    """A POST in a session: once it is an event stream, its client can lose the connection and take it up again.

    Arguments:
        session: whose it is.
        request_id: id of its request as JSON, None for a batch.
    """

    __slots__ = ("_request_id", "_session", "_stream")

    def __init__(
        self, reply: Reply, admitted: Admitted, session: Session, request_id: bytes | None, now: float
    ) -> None:
        super().__init__(reply, admitted, by_code=False, headers=session_line(session), now=now)
        self._session = session
        self._request_id = request_id
        self._stream: EventStream | None = None

    def _open(self) -> EventStream:
        if self._stream is None:
            self._stream = self._session.streams.open(self._request_id)
            self._stream.connect(StreamOutlet(self.reply, self._stream, self._session, self.active_at))
        return self._stream

    def send(self, message: bytes) -> bool:
        """Put a message before the answer; False where no stream can begin."""
        if self._stream is None and (not self._streams or self.reply.ended):
            return False
        self._open().send(message)
        return True

    def finish(self, message: bytes, code: int) -> None:
        """Answer, now or when the client is back."""
        if self._stream is not None or not (self._json or self.reply.ended):
            self._open().finish(message)
        else:
            self.reply.complete(200, answer.JSON + self._headers, message)

    def keep_alive(self, now: float) -> None:
        """Write a comment when nothing was written for long. It makes an event stream of the answer."""
        if self._streams and now - self.active_at >= PING_SECONDS:
            self.active_at = now
            self._open()
            self.reply.put(answer.PING)

    @property
    def abandoned(self) -> bool:
        """Whether its client left before there was a stream that it could resume."""
        return self.reply.ended and self._stream is None

    def hung_up(self) -> None:
        """Its client has left: what comes now is kept for it."""
        if self._stream is not None:
            self._stream.disconnect()


class BatchExchange:
    """Gathers the answers of a batch (2025-03-26) into one array."""

    def __init__(self, exchange: HttpExchange, expected: int) -> None:
        self._exchange = exchange
        self._expected = expected
        self._answers: list[bytes] = []

    @property
    def origin(self) -> Origin:
        """Where the batch comes from."""
        return self._exchange.origin

    def send(self, message: bytes) -> bool:
        """Put a message before the answers."""
        return self._exchange.send(message)

    def finish(self, message: bytes, code: int) -> None:
        """Take one of the answers; the last one sends them all."""
        self._answers.append(message)
        if len(self._answers) == self._expected:
            self._exchange.finish(b"[" + b",".join(self._answers) + b"]", 0)


class StreamOutlet:
    """One connection of a session's event stream.

    Arguments:
        reply: the connection's side of it.
        stream: the stream.
        session: whose it is.
        now: monotonic seconds.
        resumed: whether the client knows from where to resume already.
    """

    __slots__ = ("_reply", "_stream", "active_at")

    def __init__(
        self, reply: Reply, stream: EventStream, session: Session, now: float, *, resumed: bool = False
    ) -> None:
        self._reply = reply
        self._stream = stream
        self.active_at = now
        reply.begin_stream(session_line(session))
        if not resumed and session.revision in revisions.PRIMED:
            reply.put(answer.primer(stream.primer, RETRY_MILLISECONDS))

    def put(self, event_id: bytes, message: bytes) -> bool:
        """Send one event."""
        return self._reply.put(answer.numbered_event(event_id, message))

    def end(self) -> None:
        """End the answer."""
        self._reply.end_stream()

    def keep_alive(self, now: float) -> None:
        """Write a comment when nothing was written for long."""
        if now - self.active_at >= PING_SECONDS:
            self.active_at = now
            self._reply.put(answer.PING)

    def hung_up(self) -> None:
        """Its client has left."""
        self._stream.disconnect(self)


def session_line(session: Session) -> bytes:
    """Return the header that names a session."""
    return SESSION_HEADER + b": " + session.id.encode() + b"\r\n"


def retry_after(error: RpcError) -> bytes:
    """Return the header line that says when to try again."""
    if isinstance(error, UnavailableError):
        return b"retry-after: %d\r\n" % max(1, math.ceil(error.retry_seconds))
    return RETRY_AFTER
