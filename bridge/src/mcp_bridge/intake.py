"""Puts requests of either era through to a child, now or when there is one, and notes what hangs on each reply."""

from typing import Final

from .core import envelope as wire
from .core import revisions, tool_access
from .core.callers import Caller, Exchange, Session
from .core.calls import ClientCall
from .core.envelope import Envelope
from .core.errors import INVALID_REQUEST, UNAVAILABLE, RpcError, UnavailableError
from .core.link import Link
from .core.switchboard import Switchboard
from .core.turns import Turns, Waiting
from .exchange import EVENT_TYPE, JSON_TYPE, HttpExchange, StreamOutlet
from .http import answer
from .http.reply import Reply
from .processes import Processes

JSON_BYTES: Final = JSON_TYPE.encode()


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


class Request:
    """A request on its way: `exchange` takes the answer; in a batch it gathers what `carrier` sends."""

    __slots__ = ("carrier", "exchange", "message", "pending")

    def __init__(self, pending: Pending, carrier: HttpExchange, message: Envelope, exchange: Exchange) -> None:
        self.pending = pending
        self.carrier = carrier
        self.message = message
        self.exchange = exchange

    def refuse(self, error: RpcError) -> None:
        """Answer with an error."""
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
        if not self._request.carrier.abandoned:
            self._intake.go_on(self._request)

    def refuse(self, error: RpcError) -> None:
        """Answer with an error."""
        self._end()
        self._request.refuse(error)

    def hung_up(self) -> None:
        """Its client has left, and takes the place along."""
        if self.leave():
            self._end()


class Intake:
    """Where requests of both eras go on.

    Arguments:
        processes: the children.
        switchboard: the protocol.
        turns: who may put a call to the children.
    """

    def __init__(self, processes: Processes, switchboard: Switchboard, turns: Turns) -> None:
        self._processes = processes
        self._switchboard = switchboard
        self._turns = turns

    def put(self, reply: Reply, caller: Caller, carrier: HttpExchange, message: Envelope, exchange: Exchange) -> None:
        """Put a request through. `exchange` takes the answer; in a batch it gathers what `carrier` sends."""
        pending = reply.state
        if not isinstance(pending, Pending):
            pending = reply.state = Pending(caller, carrier)
        request = Request(pending, carrier, message, exchange)
        allowed = caller.access.tools
        if allowed is not None:
            try:
                tool_access.check(message, allowed)
            except RpcError as error:
                request.refuse(error)
                return
        self.go_on(request)

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
            elif not request.carrier.abandoned:
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
        try:
            call = self._switchboard.request(link, request.pending.caller, request.message, request.exchange)
        except RpcError as error:
            request.refuse(error)
            return
        if call is not None:
            self._turns.begin()
            request.pending.calls.append(call)


def check_types(reply: Reply) -> None:
    """Raise HttpError where a POST's Content-Type or Accept can't be served."""
    request = reply.request
    kind = request.headers.get(b"content-type", b"")
    if kind != JSON_BYTES and kind.partition(b";")[0].strip().lower() != JSON_BYTES:
        raise HttpError(415, RpcError(INVALID_REQUEST, "Content-Type must be application/json."))
    if not (request.accepts(JSON_TYPE) or request.accepts(EVENT_TYPE)):
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
