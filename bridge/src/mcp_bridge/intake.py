"""Puts requests of either era through to a child, now or when there is one, and notes what hangs on each reply."""

from typing import Final

from .core import envelope as wire
from .core import revisions
from .core.callers import Caller, Exchange
from .core.calls import ClientCall
from .core.envelope import Envelope
from .core.errors import INVALID_REQUEST, UNAVAILABLE, RpcError, UnavailableError
from .core.link import Link
from .core.switchboard import Switchboard
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
    """What hangs on one reply: who asked, what carries the answer, and the calls that the child has to answer."""

    __slots__ = ("caller", "calls", "carrier")

    def __init__(self, caller: Caller, carrier: HttpExchange | StreamOutlet) -> None:
        self.caller = caller
        self.carrier = carrier
        self.calls: list[ClientCall] = []


class Intake:
    """Where requests of both eras go on."""

    def __init__(self, processes: Processes, switchboard: Switchboard) -> None:
        self._processes = processes
        self._switchboard = switchboard

    def put(self, reply: Reply, caller: Caller, carrier: HttpExchange, message: Envelope, exchange: Exchange) -> None:
        """Put a request through. `exchange` takes the answer; in a batch it gathers what `carrier` sends."""
        pending = reply.state
        if not isinstance(pending, Pending):
            pending = reply.state = Pending(caller, carrier)
        link = self._processes.link_for(caller)
        if link is not None:
            if link.congested:
                _refuse(exchange, message, RpcError(UNAVAILABLE, "The server does not keep up. Try again later."))
            else:
                self._ask(link, pending, message, exchange)
            return

        def proceed(found: Link | RpcError) -> None:
            if isinstance(found, UnavailableError) and exchange is carrier:
                carrier.turn_away(wire.failure(bytes(message.id), found.encode()), found)
            elif isinstance(found, RpcError):
                _refuse(exchange, message, found)
            elif not reply.ended:
                self._ask(found, pending, message, exchange)

        self._processes.wait(caller, proceed)

    def _ask(self, link: Link, pending: Pending, message: Envelope, exchange: Exchange) -> None:
        try:
            call = self._switchboard.request(link, pending.caller, message, exchange)
        except RpcError as error:
            _refuse(exchange, message, error)
            return
        if call is not None:
            pending.calls.append(call)


def _refuse(exchange: Exchange, message: Envelope, error: RpcError) -> None:
    exchange.finish(wire.failure(bytes(message.id), error.encode()), error.code)


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
