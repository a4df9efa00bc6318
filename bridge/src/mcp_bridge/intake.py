"""Puts requests of either era through to a child, now or when there is one, and notes what hangs on each reply."""

from collections.abc import Callable

import msgspec
from msgspec import Raw

from .admission import EVENT_TYPE, JSON_TYPE, Admitted
from .core import envelope as wire
from .core import revisions, tool_access
from .core.access import Access
from .core.callers import Caller, Exchange, Session
from .core.calls import Asked, ClientCall
from .core.envelope import Envelope
from .core.errors import INVALID_REQUEST, REQUEST_CANCELLED, UNAVAILABLE, RpcError, UnavailableError
from .core.link import Link
from .core.result_cache import Key, ResultCache
from .core.settlement import for_client
from .core.switchboard import Switchboard
from .core.trace_context import TraceContext
from .core.turns import Turns, Waiting
from .exchange import HttpExchange, StreamOutlet
from .http import answer
from .http.reply import Reply
from .processes import Processes


class HttpError(Exception):
    """A request that is refused before it is one of MCP: status, JSON-RPC error, and the id if it could be read."""

    def __init__(self, status: int, error: RpcError, client_id: bytes = b"null", headers: bytes = b"") -> None:
        super().__init__(error.message)
        self.status = status
        self.error = error
        self.client_id = client_id
        self.headers = headers

    def put(self, reply: Reply) -> None:
        """Answer with it."""
        body = wire.failure(self.client_id, self.error.encode())
        reply.complete(self.status, answer.JSON + self.headers, body)


class Pending:
    """What hangs on one reply: who asked, what carries the answer, and the calls that a child has to answer or will."""

    __slots__ = ("caller", "calls", "carrier", "waiting")

    def __init__(self, caller: Caller, carrier: HttpExchange | StreamOutlet) -> None:
        self.caller = caller
        self.carrier = carrier
        self.calls: list[ClientCall] = []
        self.waiting: list[WaitingRequest] = []


Ended = Callable[[Asked, float, int], None]
"""Takes a request that no child answers, monotonic seconds of its arrival, and its JSON-RPC error code (0: cached)."""


class _Target(msgspec.Struct):
    name: str = ""
    uri: str = ""


class Request:
    """A request on its way to a child.

    Arguments:
        pending: what hangs on the same reply.
        carrier: the reply.
        message: the request.
        exchange: takes the answer; in a batch it gathers what `carrier` sends.
        arrived: monotonic seconds.
        ended: is told when no child answers it.
    """

    __slots__ = ("_ended", "arrived", "carrier", "exchange", "message", "pending")

    def __init__(
        self,
        pending: Pending,
        carrier: HttpExchange,
        message: Envelope,
        exchange: Exchange,
        arrived: float,
        ended: Ended,
    ) -> None:
        self.pending = pending
        self.carrier = carrier
        self.message = message
        self.exchange = exchange
        self.arrived = arrived
        self._ended = ended

    @property
    def method(self) -> str:
        """What is called."""
        return self.message.method or ""

    @property
    def name(self) -> str:
        """The tool, prompt or resource that it acts on, empty where that can't be read."""
        try:
            found = msgspec.json.decode(self.message.params or b"{}", type=_Target)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            return ""
        return found.name or found.uri

    @property
    def caller(self) -> Caller:
        """Who asks."""
        return self.pending.caller

    @property
    def trace(self) -> TraceContext | None:
        """The trace of the HTTP request."""
        return self.exchange.origin.trace

    def left(self) -> None:
        """Its client left before a child had it."""
        self._ended(self, self.arrived, REQUEST_CANCELLED)

    def answer_again(self, value: bytes) -> None:
        """Answer with a result that was kept."""
        self._ended(self, self.arrived, 0)
        self.exchange.finish(wire.result(bytes(self.message.id), value), 0)

    def refuse(self, error: RpcError) -> None:
        """Answer with an error."""
        self._ended(self, self.arrived, error.code)
        body = wire.failure(bytes(self.message.id), error.encode())
        if isinstance(error, UnavailableError) and self.exchange is self.carrier:
            self.carrier.turn_away(body, error)
        else:
            self.exchange.finish(body, error.code)


class WaitingRequest(Waiting):
    """A request that waits for its turn, under its id in the session if it has one."""

    __slots__ = ("_intake", "_key", "_request")

    def __init__(self, intake: "Intake", turns: Turns, request: Request, key: str | bytes | None) -> None:
        super().__init__(turns, request.pending.caller.access.priority)
        self._intake = intake
        self._request = request
        self._key = key
        request.pending.waiting.append(self)
        if key is not None and isinstance(request.pending.caller, Session):
            request.pending.caller.in_flight[key] = self

    def _end(self) -> None:
        pending = self._request.pending
        pending.waiting.remove(self)
        if self._key is not None and isinstance(pending.caller, Session):
            del pending.caller.in_flight[self._key]

    def go(self) -> None:
        """Go on, unless nobody waits for the answer any more."""
        self._end()
        if self._request.carrier.abandoned:
            self._request.left()
        else:
            self._intake.go_on(self._request)

    def refuse(self, error: RpcError) -> None:
        """Answer with an error."""
        self._end()
        self._request.refuse(error)

    def hung_up(self) -> None:
        """Its client has left, and takes the place along."""
        if self.leave():
            self._end()
            self._request.left()


class Intake:
    """Where requests of both eras go on.

    Arguments:
        processes: the children.
        switchboard: the protocol.
        turns: who may put a call to the children.
        clock: monotonic seconds.
        ended: is told of each request that no child answers.
        cache: keeps results, None for none.
    """

    def __init__(
        self,
        processes: Processes,
        switchboard: Switchboard,
        turns: Turns,
        clock: Callable[[], float],
        ended: Ended,
        cache: ResultCache | None,
    ) -> None:
        self._processes = processes
        self._switchboard = switchboard
        self._turns = turns
        self._clock = clock
        self._ended = ended
        self._cache = cache

    def put(self, reply: Reply, caller: Caller, carrier: HttpExchange, message: Envelope, exchange: Exchange) -> None:
        """Put a request through. `exchange` takes the answer; in a batch it gathers what `carrier` sends."""
        pending = reply.state
        if not isinstance(pending, Pending):
            pending = reply.state = Pending(caller, carrier)
        request = Request(pending, carrier, message, exchange, self._clock(), self._ended)
        allowed = caller.access.tools
        if allowed is not None:
            try:
                tool_access.check(message, allowed)
            except RpcError as error:
                request.refuse(error)
                return
        self.go_on(request)

    def refuse(self, exchange: HttpExchange, message: Envelope, error: RpcError, client: str, access: Access) -> None:
        """Refuse a request whose sender could not be read."""
        caller = Caller(client=client, revision="", capabilities={}, client_info=Raw(), access=access)
        request = Request(Pending(caller, exchange), exchange, message, exchange, self._clock(), self._ended)
        request.refuse(error)

    def go_on(self, request: Request, link: Link | None = None) -> None:
        """Put a request to its child: now, at its turn, or when there is one. `link` is the child where it is known."""
        if self._turns.full and request.message.method not in revisions.ANSWERED_HERE:
            self._wait(request)
            return
        caller = request.pending.caller
        if link is None:
            link = self._processes.link_for(caller)
        if link is not None:
            self._ask(link, request)
            return

        def proceed(found: Link | RpcError) -> None:
            if isinstance(found, RpcError):
                request.refuse(found)
            elif request.carrier.abandoned:
                request.left()
            else:
                self.go_on(request, found)

        self._processes.wait(caller, proceed)

    def _wait(self, request: Request) -> None:
        caller = request.pending.caller
        key = None
        if isinstance(caller, Session):
            try:
                key = caller.free_key(bytes(request.message.id))
            except RpcError as error:
                request.refuse(error)
                return
        self._turns.wait(WaitingRequest(self, self._turns, request, key))

    def _ask(self, link: Link, request: Request) -> None:
        if link.congested:
            request.refuse(RpcError(UNAVAILABLE, "The server does not keep up. Try again later."))
            return
        key = self._cache_key(link, request)
        try:
            if key is not None and self._answer_again(link, request, key):
                return
            call = self._switchboard.request(link, request.pending.caller, request.message, request.exchange)
        except RpcError as error:
            request.refuse(error)
            return
        if call is not None:
            call.started = request.arrived
            call.cache_key = key
            self._turns.begin()
            request.pending.calls.append(call)

    def _cache_key(self, link: Link, request: Request) -> Key | None:
        # What a child of one session says may depend on that session.
        if self._cache is None or not link.audience.stateless:
            return None
        return self._cache.key(request.message, request.caller.client)

    def _answer_again(self, link: Link, request: Request, key: Key) -> bool:
        """Answer a request with a result that is kept, if there is one."""
        kept = None if self._cache is None else self._cache.find(key)
        if kept is None:
            return False
        request.answer_again(for_client(key.method, kept, request.caller, link.profile))
        return True


def check_types(admitted: Admitted) -> None:
    """Raise HttpError where a POST's Content-Type or Accept can't be served."""
    if not admitted.sends_json:
        raise HttpError(415, RpcError(INVALID_REQUEST, "Content-Type must be application/json."))
    if not (admitted.takes_json or admitted.takes_events):
        raise HttpError(406, RpcError(INVALID_REQUEST, f"Accept must include {JSON_TYPE} or {EVENT_TYPE}."))


def read(reply: Reply) -> Envelope:
    """Return the message in the body. Raises HttpError where it is none."""
    body = reply.request.body
    try:
        return wire.decode(body)
    except RpcError as error:
        raise HttpError(400, error, wire.identifier(body)) from error


def has_envelope(body: bytes) -> bool:
    """Whether a body looks like one of the stateless revision."""
    return revisions.META_VERSION.encode() in body
