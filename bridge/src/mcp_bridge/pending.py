"""Requests on their way to a child, and what hangs on the reply to each."""

from collections.abc import Callable

import msgspec

from .core import envelope as wire
from .core.callers import Caller, Exchange, Session
from .core.calls import ClientCall
from .core.envelope import Envelope
from .core.errors import REQUEST_CANCELLED, RpcError, UnavailableError
from .core.result_cache import Key
from .core.trace_context import TraceContext
from .core.turns import Place, Waiting
from .exchange import HttpExchange, StreamOutlet

Ended = Callable[["Request", int], None]
"""Takes a request that no child answers, and its JSON-RPC error code (0: cached)."""


class Pending:
    """What hangs on one reply: who asked, what carries the answer, and the calls that a child has to answer or will."""

    __slots__ = ("caller", "calls", "carrier", "waiting")

    def __init__(self, caller: Caller, carrier: HttpExchange | StreamOutlet) -> None:
        self.caller = caller
        self.carrier = carrier
        self.calls: list[ClientCall] = []
        self.waiting: list[WaitingRequest] = []


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

    `cache_key` is what its result is kept under, None where it is not. It is `alone` when it does not wait for equal
    ones any more, and has `looked` when it was looked for among what replicas share. `trace` is the one it belongs to.
    """

    __slots__ = (
        "_ended",
        "alone",
        "arrived",
        "cache_key",
        "caller",
        "carrier",
        "exchange",
        "looked",
        "message",
        "pending",
        "trace",
    )

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
        self.caller = pending.caller
        self.carrier = carrier
        self.message = message
        self.exchange = exchange
        self.arrived = arrived
        self._ended = ended
        self.cache_key: Key | None = None
        self.alone = False
        self.looked = False
        self.trace: TraceContext | None = exchange.origin.trace

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

    def left(self) -> None:
        """Its client left before a child had it."""
        self._ended(self, REQUEST_CANCELLED)

    def answer_again(self, value: bytes) -> None:
        """Answer with a result that was kept."""
        self._ended(self, 0)
        self.exchange.finish(wire.result(bytes(self.message.id), value), 0)

    def refuse(self, error: RpcError) -> None:
        """Answer with an error."""
        self._ended(self, error.code)
        body = wire.failure(bytes(self.message.id), error.encode())
        if isinstance(error, UnavailableError) and self.exchange is self.carrier:
            self.carrier.turn_away(body, error)
        else:
            self.exchange.finish(body, error.code)


class WaitingRequest(Waiting):
    """A request that waits, under its id in the session if it has one.

    Arguments:
        request: the request.
        place: where it waits.
        go_on: takes it on again.

    Raises RpcError where one of the same id has no answer yet in its session.
    """

    __slots__ = ("_go_on", "_key", "_request")

    def __init__(self, request: Request, place: Place, go_on: Callable[[Request], None]) -> None:
        caller = request.caller
        super().__init__(place, caller.access.priority)
        self._request = request
        self._go_on = go_on
        self._key: str | bytes | None = None
        if isinstance(caller, Session):
            self._key = caller.free_key(bytes(request.message.id))
            caller.in_flight[self._key] = self
        request.pending.waiting.append(self)

    def _end(self) -> None:
        pending = self._request.pending
        pending.waiting.remove(self)
        if self._key is not None and isinstance(pending.caller, Session):
            del pending.caller.in_flight[self._key]

    def go(self) -> None:
        """Go on, unless nobody waits for the answer any more."""
        self._end()
        self._request.alone = self.alone
        if self._request.carrier.abandoned:
            self._request.left()
        else:
            self._go_on(self._request)

    def refuse(self, error: RpcError) -> None:
        """Answer with an error."""
        self._end()
        self._request.refuse(error)

    def hung_up(self) -> None:
        """Its client has left, and takes the place along."""
        if self.leave():
            self._end()
            self._request.left()
