"""Puts requests of either era through to a child: now, at their turn, or when there is one."""

from collections.abc import Callable

from msgspec import Raw

from .admission import EVENT_TYPE, JSON_TYPE, Admitted
from .core import envelope as wire
from .core import revisions, tool_access
from .core.callers import Caller, Exchange
from .core.envelope import Envelope
from .core.errors import INVALID_REQUEST, UNAVAILABLE, RpcError
from .core.link import Link
from .core.reviewed_tools import ReviewedTools
from .core.switchboard import Switchboard
from .core.turns import Turns
from .exchange import HttpExchange
from .http import answer
from .http.reply import Reply
from .pending import Ended, Pending, Request, WaitingRequest
from .processes import Processes
from .repeats import Repeats


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


class Intake:
    """Where requests of both eras go on.

    Arguments:
        processes: the children.
        switchboard: the protocol.
        turns: who may put a call to the children.
        clock: monotonic seconds.
        ended: is told of each request that no child answers.
        repeats: answers what needs no call of its own, None where every request has its call.
        reviewed: whether the server's tools are those that were reviewed.
    """

    def __init__(
        self,
        processes: Processes,
        switchboard: Switchboard,
        turns: Turns,
        clock: Callable[[], float],
        ended: Ended,
        repeats: Repeats | None,
        reviewed: ReviewedTools,
    ) -> None:
        self._processes = processes
        self._switchboard = switchboard
        self._turns = turns
        self._clock = clock
        self._ended = ended
        self._repeats = repeats
        self.reviewed = reviewed

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

    def refuse(self, exchange: HttpExchange, message: Envelope, error: RpcError, admitted: Admitted) -> None:
        """Refuse a request whose sender could not be read."""
        self._unread(exchange, message, admitted, self._clock()).refuse(error)

    def refused(
        self, exchange: HttpExchange, message: Envelope, error: RpcError, admitted: Admitted, arrived: float
    ) -> None:
        """Note that a request was refused which opens a session, and so is never put through."""
        self._ended(self._unread(exchange, message, admitted, arrived), error.code)

    def _unread(self, exchange: HttpExchange, message: Envelope, admitted: Admitted, arrived: float) -> Request:
        """Return a request of which only what its head says is known."""
        caller = Caller(client=admitted.client, revision="", capabilities={}, client_info=Raw(), access=admitted.access)
        return Request(Pending(caller, exchange), exchange, message, exchange, arrived, self._ended)

    def go_on(self, request: Request, link: Link | None = None) -> None:
        """Put a request to its child: now, at its turn, or when there is one. `link` is the child where it is known."""
        if (refusal := self.reviewed.refusal) is not None:
            request.refuse(refusal)
            return
        caller = request.caller
        if link is None:
            link = self._processes.link_for(caller)
        try:
            if link is not None and self._repeats is not None and self._repeats.take(link, request, self.go_on):
                return
            if self._turns.full and request.message.method not in revisions.ANSWERED_HERE:
                self._turns.wait(WaitingRequest(request, self._turns, self.go_on))
                return
            if link is not None:
                self._ask(link, request)
            else:
                self._wait_for_child(request)
        except RpcError as error:
            request.refuse(error)

    def _wait_for_child(self, request: Request) -> None:
        def proceed(found: Link | RpcError) -> None:
            if isinstance(found, RpcError):
                request.refuse(found)
            elif request.carrier.abandoned:
                request.left()
            else:
                self.go_on(request, found)

        self._processes.wait(request.caller, proceed)

    def _ask(self, link: Link, request: Request) -> None:
        """Put a request to a child. Raises RpcError where that can't be."""
        if link.pipe.congested:
            raise RpcError(UNAVAILABLE, "The server does not keep up. Try again later.")
        call = self._switchboard.request(link, request.caller, request.message, request.exchange)
        if call is not None:
            call.started = request.arrived
            self._turns.begin()
            request.pending.calls.append(call)
            if self._repeats is not None:
                self._repeats.lead(request, call)


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
