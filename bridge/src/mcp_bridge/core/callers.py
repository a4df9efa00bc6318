"""Who calls: a session of the older revisions, or one request of the stateless one."""

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Final, Protocol

import msgspec
from msgspec import Raw

from . import revisions
from .envelope import Envelope
from .errors import RpcError

BACKLOG: Final = 64
"""Messages kept for a session whose GET stream is not open. The oldest gives way: all of them say "look again"."""

ASKS: Final = {"sampling/createMessage": "sampling", "elicitation/create": "elicitation", "roots/list": "roots"}
"""What a server may ask of a client, with the client's capability for it."""

DEFAULT_LOG_LEVEL: Final = "info"
"""What a session gets of a modern server's log before it asked for a level."""


class Exchange(Protocol):
    """One HTTP request that waits for its answer."""

    def send(self, message: bytes) -> bool:
        """Put a message before the answer. False where this client can't be reached that way."""

    def finish(self, message: bytes, code: int) -> None:
        """Answer. `code` is the JSON-RPC error code, 0 for a result."""


class Stream(Protocol):
    """A standing stream of messages to a client."""

    def send(self, message: bytes) -> bool:
        """Put one message; False where the stream is gone."""

    def close(self) -> None:
        """End it politely: the client may open another."""


@dataclass(slots=True)
class ServerRequest:
    """A request that was put to a client, and what to do with the answer."""

    on_answer: Callable[[Envelope | RpcError], None]
    exchange: Exchange
    child_id: bytes = b""


@dataclass(slots=True, kw_only=True, eq=False)
class Caller:
    """What every request carries of its sender.

    Arguments:
        client: the gateway's name for the client, empty without a gateway.
        revision: the protocol revision that was agreed on.
        capabilities: the client's capabilities, as it declared them.
        client_info: the client's name and version, as it declared them.
        log_level: the least severe log entry it wants, None for "as the server likes" (sessions) or "none" (modern).
    """

    client: str
    revision: str
    capabilities: dict[str, Any]
    client_info: Raw
    log_level: str | None = None

    @property
    def modern(self) -> bool:
        """Whether the sender speaks the stateless revision."""
        return self.revision == revisions.MODERN

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
    """A client's session of one of the older revisions. `last_used` is in seconds of a monotonic clock."""

    id: str
    last_used: float
    stream: Stream | None = None
    backlog: deque[bytes] = field(default_factory=lambda: deque(maxlen=BACKLOG))
    in_flight: dict[str | bytes, Any] = field(default_factory=dict)
    asked: dict[bytes, ServerRequest] = field(default_factory=dict)
    subscriptions: set[str] = field(default_factory=set)

    def push(self, message: bytes) -> None:
        """Send on the standing stream, or keep for it."""
        if self.stream is None or not self.stream.send(message):
            self.stream = None
            self.backlog.append(message)

    def attach(self, stream: Stream) -> None:
        """Make `stream` the standing one; the one before ends."""
        if self.stream is not None:
            self.stream.close()
        self.stream = stream
        while self.backlog and stream.send(self.backlog[0]):
            self.backlog.popleft()
