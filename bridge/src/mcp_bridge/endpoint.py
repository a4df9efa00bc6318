"""/mcp: what the transport of each revision says about methods, headers, sessions and statuses."""

import secrets
from collections.abc import Callable, Iterable
from typing import Any, Final

import msgspec
from msgspec import Raw

from .admission import Admission
from .core import envelope as wire
from .core import parameter_headers, revisions, stateless
from .core.callers import Caller, Exchange, Session
from .core.calls import ClientCall
from .core.envelope import Envelope
from .core.errors import HEADER_MISMATCH, INVALID_PARAMS, INVALID_REQUEST, UNAVAILABLE, RpcError
from .core.link import Link
from .core.sessions import SessionTable
from .core.switchboard import Switchboard
from .exchange import EVENT_TYPE, JSON_TYPE, BatchExchange, GetStream, HttpExchange
from .http import answer
from .http.connection import Reply
from .processes import Processes

SESSION_HEADER: Final = b"mcp-session-id"
_KNOWN_SESSION_REVISIONS: Final = frozenset({*revisions.SESSION_REVISIONS, "2024-11-05"})
_ALLOW: Final = b"allow: GET, POST, DELETE\r\n"


class _Initialize(msgspec.Struct):
    protocolVersion: str  # noqa: N815 - the wire's name
    capabilities: dict[str, Any]
    clientInfo: Raw = Raw()  # noqa: N815 - the wire's name


class Pending:
    """What hangs on one reply: its exchange, and the calls that must end when the client leaves."""

    __slots__ = ("caller", "calls", "exchange", "stream")

    def __init__(self, caller: Caller | None, exchange: HttpExchange | None, stream: GetStream | None = None) -> None:
        self.caller = caller
        self.exchange = exchange
        self.stream = stream
        self.calls: list[ClientCall] = []


class Endpoint:
    """Serves /mcp.

    Arguments:
        admission: who may come in.
        processes: the children.
        switchboard: the protocol.
        clock: monotonic seconds.
    """

    def __init__(
        self, admission: Admission, processes: Processes, switchboard: Switchboard, clock: Callable[[], float]
    ) -> None:
        self._admission = admission
        self._processes = processes
        self._switchboard = switchboard
        self._sessions: SessionTable = switchboard.sessions
        self._clock = clock

    def serve(self, reply: Reply) -> None:
        """Serve one request to /mcp."""
        refused = self._admission.refusal(reply.request)
        if refused is not None:
            status, text = refused
            _refuse(reply, status, RpcError(INVALID_REQUEST, text))
            return
        version = reply.request.header(stateless.VERSION_HEADER)
        try:
            if version is not None and version not in _KNOWN_SESSION_REVISIONS:
                self._stateless(reply, version)
            elif reply.request.method == b"POST":
                self._post(reply)
            elif reply.request.method == b"GET":
                self._get(reply)
            elif reply.request.method == b"DELETE":
                self._delete(reply)
            else:
                _refuse(reply, 405, RpcError(INVALID_REQUEST, "Method not allowed."), _ALLOW)
        except _HttpError as error:
            _refuse(reply, error.status, error.error, client_id=error.client_id)

    def hung_up(self, reply: Reply) -> None:
        """A client left before its answer was complete."""
        pending = reply.state
        if not isinstance(pending, Pending):
            return
        if pending.stream is not None and isinstance(pending.caller, Session):
            if pending.caller.stream is pending.stream:
                pending.caller.stream = None
            return
        link = self._processes.link_for(pending.caller)
        if pending.exchange is not None:
            self._switchboard.interests.hung_up(link, pending.exchange)
        if pending.caller is not None and pending.caller.modern and link is not None:
            # Closing the stream is how a modern client cancels; in a session it means nothing.
            for call in pending.calls:
                self._switchboard.cancel(link, call, "the client closed the connection")

    def sweep(self, now: float, replies: Iterable[Reply]) -> None:
        """Keep long answers alive, and end sessions that nobody uses."""
        for reply in replies:
            pending = reply.state
            carrier = (pending.stream or pending.exchange) if isinstance(pending, Pending) else None
            if carrier is not None:
                carrier.keep_alive(now)
        for session in self._sessions.expired(now):
            self._switchboard.end_session(self._processes.link_for(session), session)

    def end_streams(self) -> None:
        """Close all standing streams politely: their clients may connect elsewhere."""
        self._switchboard.interests.end_streams()
        for session in self._sessions:
            if session.stream is not None:
                session.stream.close()
                session.stream = None

    # The stateless revision

    def _stateless(self, reply: Reply, version: str) -> None:
        request = reply.request
        if request.method != b"POST":
            _refuse(reply, 405, RpcError(INVALID_REQUEST, "This revision has POST only."), b"allow: POST\r\n")
            return
        self._check_types(reply)
        if version != revisions.MODERN and not _has_envelope(request.body):
            raise _HttpError(400, stateless.unsupported(version))
        try:
            message = wire.decode(request.body)
        except RpcError as error:
            raise _HttpError(400, error, wire.identifier(request.body)) from error
        if message.is_notification:
            if version != revisions.MODERN:
                raise _HttpError(400, stateless.unsupported(version))
            reply.complete(202, b"", b"")
            return
        if not message.is_request:
            raise _HttpError(400, RpcError(INVALID_REQUEST, "The body must be one request."))
        exchange = HttpExchange(reply, by_code=True, headers=b"", now=self._clock())
        try:
            caller = stateless.admit(message, request.headers, request.repeated, self._admission.client(request))
            if message.method == "subscriptions/listen" and not exchange.streams:
                raise _HttpError(406, RpcError(INVALID_REQUEST, "This answer is an event stream: accept it."))
            self._check_parameter_headers(message, reply)
        except RpcError as error:
            exchange.finish(wire.failure(bytes(message.id), error.encode()), error.code)
            return
        self._begin(reply, caller, exchange, message, exchange)

    def _check_parameter_headers(self, message: Envelope, reply: Reply) -> None:
        """Compare Mcp-Param-* with the arguments, for tools whose schema asks for it."""
        if message.method != "tools/call":
            return
        wanted = self._processes.parameter_headers()
        if not wanted:
            return
        try:
            params = msgspec.json.decode(message.params, type=_ToolCall)
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            raise RpcError(INVALID_PARAMS, f"Invalid params: {error}.") from error
        marked = wanted.get(params.name)
        if marked:
            parameter_headers.check(marked, params.arguments, reply.request.headers, reply.request.repeated)

    # The session revisions

    def _post(self, reply: Reply) -> None:
        request = reply.request
        self._check_types(reply)
        if request.body.lstrip()[:1] == b"[":
            self._batch(reply)
            return
        try:
            message = wire.decode(request.body)
        except RpcError as error:
            raise _HttpError(400, error, wire.identifier(request.body)) from error
        if message.method == "initialize" and message.is_request:
            self._initialize(reply, message)
            return
        session = self._session(reply)
        if message.is_request:
            exchange = HttpExchange(reply, by_code=False, headers=_session_line(session), now=self._clock())
            self._begin(reply, session, exchange, message, exchange)
            return
        self._take(session, message)
        reply.complete(202, b"", b"")

    def _take(self, session: Session, message: Envelope) -> None:
        """Take what needs no answer: a notification, or the answer to a server's request."""
        if message.is_answer:
            self._switchboard.take_answer(session, message)
            return
        link = self._processes.link_for(session)
        if link is not None:
            self._switchboard.notify(link, session, message)

    def _batch(self, reply: Reply) -> None:
        session = self._session(reply)
        if session.revision != revisions.BATCHING:
            text = f"Batches exist in revision {revisions.BATCHING} only."
            raise _HttpError(400, RpcError(INVALID_REQUEST, text))
        try:
            messages = [wire.decode(bytes(part)) for part in wire.split_batch(reply.request.body)]
        except RpcError as error:
            raise _HttpError(400, error) from error
        requests = [message for message in messages if message.is_request]
        for message in messages:
            if not message.is_request:
                self._take(session, message)
        if not requests:
            reply.complete(202, b"", b"")
            return
        exchange = HttpExchange(reply, by_code=False, headers=_session_line(session), now=self._clock())
        gathered = BatchExchange(exchange, len(requests))
        for message in requests:
            self._begin(reply, session, exchange, message, gathered)

    def _initialize(self, reply: Reply, message: Envelope) -> None:
        exchange_id = bytes(message.id)
        try:
            asked = msgspec.json.decode(message.params or b"{}", type=_Initialize)
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            refusal = RpcError(INVALID_PARAMS, f"Invalid params of initialize: {error}.")
            raise _HttpError(200, refusal, exchange_id) from error
        offered = asked.protocolVersion
        revision = offered if offered in _KNOWN_SESSION_REVISIONS else revisions.SESSION_REVISIONS[0]
        client = self._admission.client(reply.request)

        def proceed(link: Link | RpcError) -> None:
            if isinstance(link, RpcError):
                _refuse(reply, 503, link, b"retry-after: 2\r\n", exchange_id)
                return
            if reply.ended or link.profile is None:
                return
            try:
                session = self._sessions.open(
                    secrets.token_hex(16),
                    client=client,
                    revision=revision,
                    capabilities=asked.capabilities,
                    info=Raw(bytes(asked.clientInfo)),
                    now=self._clock(),
                )
            except RpcError as error:
                _refuse(reply, 503, error, b"retry-after: 30\r\n", exchange_id)
                return
            exchange = HttpExchange(reply, by_code=False, headers=_session_line(session), now=self._clock())
            exchange.finish(wire.result(exchange_id, link.profile.initialize_result(revision)), 0)

        link = self._processes.link_for(None)
        if link is not None:
            proceed(link)
        else:
            self._processes.wait(None, proceed)

    def _get(self, reply: Reply) -> None:
        if not reply.request.accepts(EVENT_TYPE):
            raise _HttpError(406, RpcError(INVALID_REQUEST, "A GET is answered as text/event-stream: accept it."))
        session = self._session(reply)
        stream = GetStream(reply, _session_line(session), self._clock())
        reply.state = Pending(session, None, stream)
        session.attach(stream)

    def _delete(self, reply: Reply) -> None:
        session = self._session(reply)
        self._switchboard.end_session(self._processes.link_for(session), session)
        reply.complete(200, b"", b"")

    def _session(self, reply: Reply) -> Session:
        """Return the request's session. Raises _HttpError: 400 without one, 404 where it is unknown or another's."""
        identifier = reply.request.header(SESSION_HEADER)
        if identifier is None:
            if _has_envelope(reply.request.body):
                text = "The envelope says 2026-07-28, but the header MCP-Protocol-Version is missing."
                raise _HttpError(400, RpcError(HEADER_MISMATCH, text), wire.identifier(reply.request.body))
            text = "The header Mcp-Session-Id is missing: send initialize first, and repeat what it returns."
            raise _HttpError(400, RpcError(INVALID_REQUEST, text))
        session = self._sessions.find(identifier, client=self._admission.client(reply.request), now=self._clock())
        if session is None:
            raise _HttpError(
                404, RpcError(INVALID_REQUEST, "There is no such session (any more): send initialize again.")
            )
        return session

    # Both

    def _check_types(self, reply: Reply) -> None:
        request = reply.request
        kind = request.headers.get(b"content-type", b"").partition(b";")[0].strip().lower()
        if kind != JSON_TYPE.encode():
            raise _HttpError(415, RpcError(INVALID_REQUEST, "Content-Type must be application/json."))
        if not (request.accepts(JSON_TYPE) or request.accepts(EVENT_TYPE)):
            text = "Accept must include application/json or text/event-stream."
            raise _HttpError(406, RpcError(INVALID_REQUEST, text))

    def _begin(
        self, reply: Reply, caller: Caller, carrier: HttpExchange, message: Envelope, exchange: Exchange
    ) -> None:
        """Put a request through, now or when there is a child."""
        pending = reply.state
        if not isinstance(pending, Pending):
            pending = reply.state = Pending(caller, carrier)
        client_id = bytes(message.id)
        link = self._processes.link_for(caller)
        if link is not None and not self._processes.congested:
            self._put(link, pending, caller, message, exchange)
        elif link is not None:
            error = RpcError(UNAVAILABLE, "The server does not keep up with the calls. Try again later.")
            exchange.finish(wire.failure(client_id, error.encode()), error.code)
        else:

            def proceed(found: Link | RpcError) -> None:
                if isinstance(found, RpcError):
                    exchange.finish(wire.failure(client_id, found.encode()), found.code)
                elif not reply.ended:
                    self._put(found, pending, caller, message, exchange)

            self._processes.wait(caller, proceed)

    def _put(self, link: Link, pending: Pending, caller: Caller, message: Envelope, exchange: Exchange) -> None:
        try:
            call = self._switchboard.request(link, caller, message, exchange)
        except RpcError as error:
            exchange.finish(wire.failure(bytes(message.id), error.encode()), error.code)
            return
        if call is not None:
            pending.calls.append(call)


class _ToolCall(msgspec.Struct):
    name: str = ""
    arguments: dict[str, Any] | None = None


class _HttpError(Exception):
    def __init__(self, status: int, error: RpcError, client_id: bytes = b"null") -> None:
        super().__init__(error.message)
        self.status = status
        self.error = error
        self.client_id = client_id


def _refuse(reply: Reply, status: int, error: RpcError, headers: bytes = b"", client_id: bytes = b"null") -> None:
    reply.complete(status, answer.JSON + headers, wire.failure(client_id, error.encode()))


def _session_line(session: Session) -> bytes:
    return b"mcp-session-id: " + session.id.encode() + b"\r\n"


def _has_envelope(body: bytes) -> bool:
    return revisions.META_VERSION.encode() in body
