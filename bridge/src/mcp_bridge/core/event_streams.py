"""Event streams of a session, which a client that lost its connection can take up again.

https://modelcontextprotocol.io/specification/2025-11-25/basic/transports#resumability-and-redelivery

The newest events are kept, so many of each session and so many bytes of all. The protocol leaves open what becomes of
a client that resumes from before what is kept. Here its stream begins at the oldest event that is left: what is missing
are notifications. Where the answer is missing, an error stands in its place, so that nobody waits for it in vain.
"""

import re
from collections import OrderedDict
from typing import Final, NamedTuple, Protocol

from .envelope import failure
from .errors import CONNECTION_LOST, INVALID_REQUEST, RpcError

SESSION_EVENTS: Final = 256
SESSION_BYTES: Final = 1024 * 1024
TOTAL_BYTES: Final = 8 * 1024 * 1024
SESSION_STREAMS: Final = 64
"""Streams of a session that are remembered when they have ended."""

_EVENT_BYTES: Final = 200
"""What keeping an event costs besides its message."""

_EVENT_ID: Final = re.compile(r"([0-9]{1,9})-([0-9]{1,15})")


class Outlet(Protocol):
    """The connection that a stream is on."""

    def put(self, event_id: bytes, message: bytes) -> bool:
        """Send one event; False where the client is gone."""

    def end(self) -> None:
        """End the connection's part politely."""


class Event(NamedTuple):
    """One message, with the numbers of its stream and of itself in there."""

    stream: int
    number: int
    message: bytes


class EventStore:
    """The bounds of what is kept.

    Arguments:
        session_events: most events of a session.
        session_bytes: most bytes of a session.
        total_bytes: most bytes of all sessions; those that were silent for longest give way.
    """

    def __init__(
        self,
        *,
        session_events: int = SESSION_EVENTS,
        session_bytes: int = SESSION_BYTES,
        total_bytes: int = TOTAL_BYTES,
    ) -> None:
        self.session_events = session_events
        self.session_bytes = session_bytes
        self._total_bytes = total_bytes
        self._keepers: OrderedDict[SessionStreams, None] = OrderedDict()
        self.bytes = 0

    def kept(self, keeper: "SessionStreams", size: int) -> None:
        """Note that a session keeps `size` bytes more, and make room."""
        self.bytes += size
        self._keepers[keeper] = None
        self._keepers.move_to_end(keeper)
        while self.bytes > self._total_bytes:
            next(iter(self._keepers)).drop_oldest()

    def dropped(self, keeper: "SessionStreams", size: int) -> None:
        """Note that a session keeps `size` bytes less."""
        self.bytes -= size
        if not keeper.bytes:
            self._keepers.pop(keeper, None)


class SessionStreams:
    """All event streams of one session: the standing one, which GET opens, and those of its POSTs."""

    __slots__ = ("_events", "_opened", "_store", "_streams", "bytes", "standing")

    def __init__(self, store: EventStore) -> None:
        self._store = store
        self._events: list[Event] = []
        self._opened = 0
        self._streams: dict[int, EventStream] = {}
        self.bytes = 0
        self.standing = EventStream(self, 0, None)

    def open(self, request_id: bytes | None) -> "EventStream":
        """Open the stream that answers a POST; `request_id` is the id of its request, None for a batch."""
        self._opened += 1
        stream = self._streams[self._opened] = EventStream(self, self._opened, request_id)
        if len(self._streams) > SESSION_STREAMS:
            ended = next((number for number, old in self._streams.items() if old.ended), None)
            if ended is not None:
                del self._streams[ended]
        return stream

    def find(self, event_id: str) -> tuple["EventStream", int]:
        """Return the stream that an event was on, and its number there. Raises RpcError where it is not remembered."""
        match = _EVENT_ID.fullmatch(event_id)
        stream = None
        if match is not None:
            stream = self._streams.get(int(match[1])) if int(match[1]) else self.standing
        if match is None or stream is None or int(match[2]) > stream.last:
            raise RpcError(
                INVALID_REQUEST, "Last-Event-ID names no event of this session that is remembered. Send the call again."
            )
        return stream, int(match[2])

    def keep(self, event: Event) -> None:
        """Keep an event, and make room for it. One that exceeds the bounds alone is not kept."""
        size = len(event.message) + _EVENT_BYTES
        store = self._store
        if size > store.session_bytes:
            return
        while self._events and (len(self._events) >= store.session_events or self.bytes + size > store.session_bytes):
            self.drop_oldest()
        self._events.append(event)
        self.bytes += size
        store.kept(self, size)

    def drop_oldest(self) -> None:
        """Forget the oldest event."""
        size = len(self._events.pop(0).message) + _EVENT_BYTES
        self.bytes -= size
        self._store.dropped(self, size)

    def after(self, stream: int, number: int) -> list[Event]:
        """Return what is kept of a stream after an event."""
        return [event for event in self._events if event.stream == stream and event.number > number]

    def close(self) -> None:
        """Forget everything, and end the standing stream."""
        size, self.bytes = self.bytes, 0
        self._events.clear()
        self._store.dropped(self, size)
        self.standing.disconnect()


class EventStream:
    """One stream. Without a connection it goes on collecting.

    Arguments:
        keeper: keeps what was sent.
        number: the stream's number in its session.
        request_id: id of the request that it answers, as JSON; None for the standing one, and for a batch.
    """

    __slots__ = ("_keeper", "_number", "_outlet", "_request_id", "_seen", "ended", "last")

    def __init__(self, keeper: SessionStreams, number: int, request_id: bytes | None) -> None:
        self._keeper = keeper
        self._number = number
        self._request_id = request_id
        self._outlet: Outlet | None = None
        self._seen = 0
        self.last = 0
        self.ended = False

    @property
    def connected(self) -> bool:
        """Whether a client reads it now, as far as is known."""
        return self._outlet is not None

    @property
    def primer(self) -> bytes:
        """The event id from which a client that has nothing else must resume."""
        return self._event_id(self._seen)

    def _event_id(self, number: int) -> bytes:
        return b"%d-%d" % (self._number, number)

    def send(self, message: bytes) -> None:
        """Send one message, or keep it for a client that comes back."""
        self.last += 1
        self._keeper.keep(Event(self._number, self.last, message))
        if self._outlet is None:
            return
        if self._outlet.put(self._event_id(self.last), message):
            self._seen = self.last
        else:
            self._outlet = None

    def remind(self, message: bytes) -> None:
        """Send a message that says "look again": one that already waits for the client needs no repetition."""
        waiting = () if self.connected else self._keeper.after(self._number, self._seen)
        if all(event.message != message for event in waiting):
            self.send(message)

    def finish(self, message: bytes) -> None:
        """Send the last message."""
        self.send(message)
        self.ended = True
        self.disconnect()

    def connect(self, outlet: Outlet, after: int | None = None) -> None:
        """Move to a connection; one before it ends.

        Arguments:
            outlet: the connection.
            after: number of the last event that its client has; None: what no client was sent yet follows.
        """
        self.disconnect()
        events = self._keeper.after(self._number, self._seen if after is None else after)
        for event in events:
            if not outlet.put(self._event_id(event.number), event.message):
                return
            self._seen = max(self._seen, event.number)
        if not self.ended:
            self._outlet = outlet
            return
        lost = after is not None and after < self.last and (not events or events[-1].number < self.last)
        if lost and self._request_id is not None:
            error = RpcError(CONNECTION_LOST, "The call has ended, and its answer is no longer kept.")
            outlet.put(self._event_id(self.last), failure(self._request_id, error.encode()))
        outlet.end()

    def disconnect(self, outlet: Outlet | None = None) -> None:
        """Leave the connection, or only the one given, and end it politely."""
        if self._outlet is not None and outlet in (None, self._outlet):
            left, self._outlet = self._outlet, None
            left.end()
