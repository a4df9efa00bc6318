"""Requests in flight to a child."""

from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import TYPE_CHECKING, Protocol

from .callers import Caller, Exchange, Session
from .envelope import Envelope, failure, notification, result
from .errors import RpcError
from .spans import Span
from .trace_context import TraceContext

if TYPE_CHECKING:
    from .link import Link
    from .result_cache import Key


class Asked(Protocol):
    """A client's request, as metrics and log tell of it, whoever answered it."""

    @property
    def method(self) -> str:
        """What is called."""

    @property
    def name(self) -> str:
        """The tool, prompt or resource that it acts on."""

    @property
    def caller(self) -> Caller:
        """Who asks."""

    @property
    def exchange(self) -> Exchange:
        """Where the answer goes."""

    @property
    def trace(self) -> TraceContext | None:
        """The trace that it belongs to, None where that is not known."""


class Call(ABC):
    """A request that a child has not answered yet. `link` is the conversation, `number` its id in it."""

    __slots__ = ("link", "method", "number")

    link: "Link"

    def __init__(self, method: str) -> None:
        self.method = method
        self.number = b""

    @abstractmethod
    def answered(self, answer: Envelope) -> None:
        """Take the child's answer."""

    @abstractmethod
    def failed(self, error: RpcError) -> None:
        """Take the news that there will be no answer."""


class OwnCall(Call):
    """A request that the bridge itself makes."""

    __slots__ = ("_done",)

    def __init__(self, method: str, done: Callable[[Envelope | RpcError], None]) -> None:
        super().__init__(method)
        self._done = done

    def answered(self, answer: Envelope) -> None:
        self._done(answer)

    def failed(self, error: RpcError) -> None:
        self._done(error)


class ClientCall(Call):
    """A client's request.

    Arguments:
        method: what is called.
        client_id: the client's id, as JSON.
        key: the id as the session keeps it, None where there is no session.
        caller: who asks.
        exchange: where the answer goes.
        name: the tool, prompt or resource that it acts on.
        started: monotonic seconds of its arrival.
        settle: takes the call and the child's answer, or why there is none.

    `session` is its caller, where that is one. `cache_key` is what its result is kept under, None where it is not.
    `span` is its own, where it is recorded; `trace` is what the child is told of the trace that it belongs to.
    """

    __slots__ = (
        "_settle",
        "cache_key",
        "caller",
        "client_id",
        "done",
        "exchange",
        "key",
        "name",
        "params",
        "repeated",
        "rounds",
        "session",
        "span",
        "started",
        "token",
        "trace",
    )

    def __init__(
        self,
        method: str,
        *,
        client_id: bytes,
        key: str | bytes | None,
        caller: Caller,
        exchange: Exchange,
        name: str,
        started: float,
        settle: Callable[["ClientCall", Envelope | RpcError], None],
    ) -> None:
        self.method = method
        self.number = b""
        self.client_id = client_id
        self.key = key
        self.caller = caller
        self.session = caller if isinstance(caller, Session) else None
        self.exchange = exchange
        self.name = name
        self.started = started
        self.params = b""
        self.cache_key: Key | None = None
        self.token: bytes | None = None
        self.span: Span | None = None
        self.trace: TraceContext | None = None
        self.rounds = 0
        self.repeated = False
        self.done = False
        self._settle = settle

    def answered(self, answer: Envelope) -> None:
        self._settle(self, answer)

    def failed(self, error: RpcError) -> None:
        self._settle(self, error)

    def progress(self, params: bytes) -> None:
        """Pass a progress notification on; its token is the client's own again."""
        self.exchange.send(notification("notifications/progress", params))

    def succeed(self, value: bytes) -> None:
        """Answer the client."""
        if self.session is not None:
            self._release(self.session)
        self.exchange.finish(result(self.client_id, value), 0)

    def refuse(self, error: bytes, code: int) -> None:
        """Answer the client with an error object."""
        if self.session is not None:
            self._release(self.session)
        self.exchange.finish(failure(self.client_id, error), code)

    def _release(self, session: Session) -> None:
        if session.in_flight.get(self.key or b"") is self:
            del session.in_flight[self.key or b""]
