"""/mcp for the session revisions: initialize, Mcp-Session-Id, a standing stream by GET, the end by DELETE.

https://modelcontextprotocol.io/specification/2025-11-25/basic/transports#streamable-http
"""

import secrets
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

import msgspec
from msgspec import Raw

from .admission import EVENT_TYPE, Admitted
from .core import envelope as wire
from .core import revisions
from .core.callers import Session
from .core.envelope import Envelope
from .core.errors import HEADER_MISMATCH, INVALID_PARAMS, INVALID_REQUEST, RpcError
from .core.link import Link
from .core.switchboard import Switchboard
from .exchange import (
    BUSY,
    BatchExchange,
    HttpExchange,
    SessionExchange,
    StreamOutlet,
    retry_after,
)
from .http.reply import Reply
from .intake import HttpError, Intake, check_types, has_envelope, read
from .pending import Pending
from .processes import Processes

_LAST_EVENT_ID: Final = b"last-event-id"
KNOWN_REVISIONS: Final = frozenset({*revisions.SESSION_REVISIONS, "2024-11-05"})
"""What a client may name. The oldest knows another transport, but its messages are the same."""


MAX_INITIALIZE_BYTES: Final = 64 * 1024


class _Initialize(msgspec.Struct):
    protocolVersion: str  # noqa: N815 - the wire's name
    capabilities: dict[str, Any]
    clientInfo: Raw = Raw()  # noqa: N815 - the wire's name


@dataclass(frozen=True)
class _Opening:
    """A session that is being opened."""

    intake: Intake
    reply: Reply
    admitted: Admitted
    message: Envelope
    arrived: float

    def refuse(self, status: int, error: RpcError, stream: SessionExchange | None = None) -> None:
        """Answer with an error: by this HTTP status, or on `stream` where that has begun."""
        exchange = HttpExchange(self.reply, self.admitted, by_code=False, headers=b"", now=self.arrived)
        self.intake.refused(exchange, self.message, error, self.admitted, self.arrived)
        if stream is not None and self.reply.streaming:
            stream.finish(wire.failure(bytes(self.message.id), error.encode()), error.code)
        else:
            headers = retry_after(error) if status == BUSY else b""
            HttpError(status, error, bytes(self.message.id), headers).put(self.reply)


class SessionEra:
    """Serves clients that open sessions.

    Arguments:
        processes: the children.
        switchboard: the protocol.
        intake: takes requests on.
        clock: monotonic seconds.
    """

    def __init__(
        self,
        processes: Processes,
        switchboard: Switchboard,
        intake: Intake,
        clock: Callable[[], float],
    ) -> None:
        self._processes = processes
        self._switchboard = switchboard
        self._sessions = switchboard.sessions
        self._intake = intake
        self._clock = clock

    def serve(self, reply: Reply, admitted: Admitted) -> None:
        """Serve one request. Raises HttpError to refuse it."""
        method = reply.request.head.method
        if method == b"POST":
            check_types(admitted)
            self._post(reply, admitted)
        elif method == b"GET":
            self._get(reply, admitted)
        elif method == b"DELETE":
            self._delete(reply, admitted)
        else:
            refusal = RpcError(INVALID_REQUEST, "There are POST, GET and DELETE.")
            raise HttpError(405, refusal, headers=b"allow: GET, POST, DELETE\r\n")

    def _post(self, reply: Reply, admitted: Admitted) -> None:
        if reply.request.body.lstrip()[:1] == b"[":
            self._batch(reply, admitted)
            return
        message = read(reply)
        if message.method == "initialize" and message.is_request:
            self._initialize(reply, admitted, message)
            return
        session = self._session(reply, admitted)
        if message.is_request:
            exchange = SessionExchange(reply, admitted, session, bytes(message.id), self._clock())
            self._intake.put(reply, session, exchange, message, exchange)
            return
        self._take(session, message)
        reply.complete(202, b"", b"")

    def _take(self, session: Session, message: Envelope) -> None:
        """Take what needs no answer: a notification, or the answer to a server's request."""
        if message.is_answer:
            self._switchboard.questions.answer(session, message)
            return
        link = self._processes.link_for(session)
        if link is not None:
            self._switchboard.notify(link, session, message)

    def _batch(self, reply: Reply, admitted: Admitted) -> None:
        session = self._session(reply, admitted)
        if session.revision != revisions.BATCHING:
            text = f"Batches exist in revision {revisions.BATCHING} only."
            raise HttpError(400, RpcError(INVALID_REQUEST, text))
        try:
            messages = [wire.decode(bytes(part)) for part in wire.split_batch(reply.request.body)]
        except RpcError as error:
            raise HttpError(400, error) from error
        requests = [message for message in messages if message.is_request]
        for message in messages:
            if not message.is_request:
                self._take(session, message)
        if not requests:
            reply.complete(202, b"", b"")
            return
        exchange = SessionExchange(reply, admitted, session, None, self._clock())
        gathered = BatchExchange(exchange, len(requests))
        for message in requests:
            self._intake.put(reply, session, exchange, message, gathered)

    def _initialize(self, reply: Reply, admitted: Admitted, message: Envelope) -> None:
        opening = _Opening(self._intake, reply, admitted, message, self._clock())
        if len(message.params) > MAX_INITIALIZE_BYTES:
            text = f"The params of initialize exceed {MAX_INITIALIZE_BYTES} bytes, which the session would hold."
            opening.refuse(200, RpcError(INVALID_PARAMS, text))
            return
        try:
            asked = msgspec.json.decode(message.params or b"{}", type=_Initialize)
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            opening.refuse(200, RpcError(INVALID_PARAMS, f"Invalid params of initialize: {error}."))
            return

        def proceed(link: Link | RpcError) -> None:
            if reply.ended:
                return
            try:
                if isinstance(link, RpcError):
                    raise link
                if (refusal := self._intake.reviewed.refusal) is not None:
                    raise refusal
                self._open(opening, asked)
            except RpcError as error:
                opening.refuse(BUSY, error)

        link = self._processes.link_for(None)
        if link is not None:
            proceed(link)
        else:
            self._processes.wait(None, proceed)

    def _open(self, opening: "_Opening", asked: _Initialize) -> None:
        """Open a session, and say what its child is. Raises RpcError where there are too many."""
        reply, client_id = opening.reply, bytes(opening.message.id)
        offered = asked.protocolVersion
        revision = offered if offered in KNOWN_REVISIONS else revisions.SESSION_REVISIONS[0]
        session = self._sessions.open(
            secrets.token_hex(16),
            client=opening.admitted.client,
            revision=revision,
            capabilities=asked.capabilities,
            info=Raw(bytes(asked.clientInfo)),
            now=self._clock(),
        )
        exchange = SessionExchange(reply, opening.admitted, session, client_id, self._clock())
        reply.state = Pending(session, exchange)

        def proceed(link: Link | RpcError) -> None:
            if isinstance(link, RpcError):
                self._switchboard.end_session(None, session)
                opening.refuse(BUSY, link, exchange)
            elif reply.ended:
                self._switchboard.end_session(link, session)
            elif link.profile is not None:
                result = wire.result(client_id, link.profile.initialize_result(revision))
                exchange.finish(result, 0)

        self._processes.admit(session, proceed)

    def _get(self, reply: Reply, admitted: Admitted) -> None:
        if not admitted.takes_events:
            raise HttpError(406, RpcError(INVALID_REQUEST, f"A GET is answered as {EVENT_TYPE}: accept it."))
        session = self._session(reply, admitted)
        resumed = reply.request.header(_LAST_EVENT_ID)
        if resumed is None:
            stream, after = session.streams.standing, None
        else:
            try:
                stream, after = session.streams.find(resumed)
            except RpcError as error:
                raise HttpError(400, error) from error
        outlet = StreamOutlet(reply, stream, session, self._clock(), resumed=resumed is not None)
        reply.state = Pending(session, outlet)
        stream.connect(outlet, after)

    def _delete(self, reply: Reply, admitted: Admitted) -> None:
        session = self._session(reply, admitted)
        self._switchboard.end_session(self._processes.link_for(session), session)
        reply.complete(200, b"", b"")

    def _session(self, reply: Reply, admitted: Admitted) -> Session:
        """Return the request's session. Raises HttpError: 400 without one, 404 where it is unknown or another's."""
        identifier = admitted.session
        if identifier is None:
            body = reply.request.body
            if has_envelope(body):
                text = f"The envelope says {revisions.MODERN}, but the header MCP-Protocol-Version is missing."
                raise HttpError(400, RpcError(HEADER_MISMATCH, text), wire.identifier(body))
            text = "The header Mcp-Session-Id is missing: send initialize first, and repeat what it returns."
            raise HttpError(400, RpcError(INVALID_REQUEST, text))
        session = self._sessions.find(identifier, client=admitted.client, now=self._clock())
        if session is None:
            text = "There is no such session (any more): send initialize again."
            raise HttpError(404, RpcError(INVALID_REQUEST, text))
        session.access = admitted.access
        return session
