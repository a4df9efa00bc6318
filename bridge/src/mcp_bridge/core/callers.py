"""Who calls: a session of the older revisions, or one request of the stateless one."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Final, Protocol

import msgspec
from msgspec import Raw

from . import revisions
from .access import UNRESTRICTED, Access
from .envelope import Envelope, key_of
from .errors import INVALID_REQUEST, RpcError
from .event_streams import EventStore, SessionStreams
from .origin import Origin

ASKS: Final = {"sampling/createMessage": "sampling", "elicitation/create": "elicitation", "roots/list": "roots"}
"""What a server may ask of a client, with the client's capability for it."""

DEFAULT_LOG_LEVEL: Final = "info"
"""What a session gets of a modern server's log before it asked for a level."""


class Exchange(Protocol):
    """One HTTP request that waits for its answer."""

    @property
    def origin(self) -> Origin:
        """Where the request comes from."""

    def send(self, message: bytes) -> bool:
        """Put a message before the answer. False where this client can't be reached that way."""

    def finish(self, message: bytes, code: int) -> None:
        """Answer. `code` is the JSON-RPC error code, 0 for a result."""


@dataclass(slots=True)
class ServerRequest:
    """A request that was put to a client, and what to do with the answer. `exchange`: the call that it belongs to."""

    on_answer: Callable[[Envelope | RpcError], None]
    exchange: Exchange | None
    child_id: bytes = b""


@dataclass(slots=True, kw_only=True, eq=False)
class Caller:
    """What every request carries of its sender.

    Arguments:
        client: the gateway's name for the client, empty without a gateway.
        revision: the protocol revision that was agreed on.
        capabilities: the client's capabilities, as it declared them.
        client_info: the client's name and version, as it declared them.
        access: what the gateway said that it may do, of the latest request.
        log_level: the least severe log entry it wants, None for "as the server likes" (sessions) or "none" (modern).

    `modern` says whether the sender speaks the stateless revision.
    """

    client: str
    revision: str
    capabilities: dict[str, Any]
    client_info: Raw
    log_level: str | None = None
    access: Access = UNRESTRICTED
    modern: bool = field(init=False)

    def __post_init__(self) -> None:
        self.modern = self.revision == revisions.MODERN

    def can(self, method: str) -> bool:
        """Whether the client declared that it serves a server's request of this method."""
        return ASKS.get(method) in self.capabilities

    def wants(self, level: str) -> bool:
        """Whether the client wants log entries of a level."""
        if self.log_level is None:
            return not self.modern
        try:
            return revisions.LOG_LEVELS.index(level) >= revisions.LOG_LEVELS.index(self.log_level)
        except ValueError:
            return True

    def envelope(self) -> dict[str, Raw]:
        """Return what a modern child must find in `_meta` when this caller's request is put to it."""
        level = self.log_level or DEFAULT_LOG_LEVEL
        found = {
            revisions.META_VERSION: Raw(msgspec.json.encode(revisions.MODERN)),
            revisions.META_CLIENT_CAPABILITIES: Raw(msgspec.json.encode(self.capabilities)),
            revisions.META_LOG_LEVEL: Raw(msgspec.json.encode(level)),
        }
        if self.client_info:
            found[revisions.META_CLIENT_INFO] = self.client_info
        return found


@dataclass(slots=True, kw_only=True, eq=False)
class Session(Caller):
    """A client's session of one of the older revisions.

    Arguments:
        id: what the client names it by.
        last_used: seconds of a monotonic clock.
        store: bounds what is kept of its event streams.
    """

    id: str
    last_used: float
    store: EventStore
    opened_streams: SessionStreams | None = None
    in_flight: dict[str | bytes, Any] = field(default_factory=dict)
    asked: dict[bytes, ServerRequest] = field(default_factory=dict)
    subscriptions: set[str] = field(default_factory=set)

    @property
    def streams(self) -> SessionStreams:
        """Its event streams. A session that never has any costs nothing for them."""
        if self.opened_streams is None:
            self.opened_streams = SessionStreams(self.store)
        return self.opened_streams

    @property
    def idle(self) -> bool:
        """Whether no call of it is in flight, and nobody listens on its standing stream."""
        return not self.in_flight and (self.opened_streams is None or not self.opened_streams.standing.connected)

    def free_key(self, request_id: bytes) -> str | bytes:
        """Return the key of a new request's id. Raises RpcError where a request of that id has no answer yet."""
        key = key_of(request_id) if request_id[:1] == b'"' else request_id
        if key in self.in_flight:
            text = request_id.decode(errors="replace")
            raise RpcError(INVALID_REQUEST, f"A request with the id {text} is in flight already in this session.")
        return key

    def push(self, message: bytes) -> None:
        """Send a change notification on the standing stream, or keep it for there."""
        self.streams.standing.remind(message)
