"""The sessions of one replica: opened by initialize, kept for whom opened them, ended by DELETE or by idleness."""

from collections.abc import Callable, Iterator
from typing import Any, Final

from msgspec import Raw

from .callers import Session
from .errors import UNAVAILABLE, RpcError
from .event_streams import EventStore

IDLE_SECONDS: Final = 7200.0
MAXIMUM: Final = 10_000


class SessionTable:
    """All open sessions by id.

    Arguments:
        maximum: sessions that may be open.
        idle_seconds: idle time that ends one.
        closed: is told of each that has ended, by whatever way.
    """

    def __init__(
        self,
        *,
        maximum: int = MAXIMUM,
        idle_seconds: float = IDLE_SECONDS,
        closed: Callable[[Session], None] = lambda _: None,
    ) -> None:
        self._sessions: dict[str, Session] = {}
        self._maximum = maximum
        self._idle_seconds = idle_seconds
        self._store = EventStore()
        self._closed = closed

    def limit(self, *, maximum: int, idle_seconds: float) -> None:
        """Change the limits. Sessions beyond a smaller maximum go on; no new one is opened."""
        self._maximum = maximum
        self._idle_seconds = idle_seconds

    def __len__(self) -> int:
        return len(self._sessions)

    def __iter__(self) -> Iterator[Session]:
        return iter(list(self._sessions.values()))

    def open(
        self, identifier: str, *, client: str, revision: str, capabilities: dict[str, Any], info: Raw, now: float
    ) -> Session:
        """Open a session. Raises RpcError where there are too many."""
        if len(self._sessions) >= self._maximum:
            raise RpcError(
                UNAVAILABLE, f"There are {self._maximum} sessions open, the most there may be. Try again later."
            )
        session = Session(
            id=identifier,
            client=client,
            revision=revision,
            capabilities=capabilities,
            client_info=info,
            last_used=now,
            store=self._store,
        )
        self._sessions[identifier] = session
        return session

    def find(self, identifier: str, *, client: str, now: float) -> Session | None:
        """Return a session and note its use. Somebody else's session is as unknown as one that never was."""
        session = self._sessions.get(identifier)
        if session is None or session.client != client:
            return None
        session.last_used = now
        return session

    def close(self, session: Session) -> None:
        """Forget a session, and end its standing stream."""
        known = self._sessions.pop(session.id, None) is not None
        if session.opened_streams is not None:
            session.opened_streams.close()
        if known:
            self._closed(session)

    def expired(self, now: float) -> list[Session]:
        """Return the sessions that have been idle for too long. Whoever holds a request open must touch `last_used`."""
        return [session for session in self._sessions.values() if now - session.last_used > self._idle_seconds]
