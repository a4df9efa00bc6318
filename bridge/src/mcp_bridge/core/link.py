"""The conversation with one child: numbers for requests, what is in flight, and whose an unasked message is."""

from collections.abc import Callable, Iterator
from typing import Final, Protocol

import msgspec
from msgspec import Raw

from . import envelope as wire
from .audience import Audience
from .callers import Caller
from .calls import Call, ClientCall, OwnCall
from .envelope import Envelope
from .errors import INVALID_REQUEST, METHOD_NOT_FOUND, ChildLostError, RpcError
from .profile import Profile

GHOST_SECONDS: Final = 10.0
"""How long an abandoned call may still cause messages: as long, nothing is routed by "only one call is in flight"."""


class Pipe(Protocol):
    """The way to a child."""

    def write(self, message: bytes) -> None:
        """Send one message, which has no newline in it. Must not block."""

    @property
    def congested(self) -> bool:
        """Whether the child is so far behind with reading that nothing should be added."""


class Listener(Protocol):
    """Who takes what a child says unasked."""

    def child_asks(self, link: "Link", method: str, params: bytes, child_id: bytes) -> None:
        """A request of the child."""

    def child_tells(self, link: "Link", method: str, params: bytes) -> None:
        """A notification of the child."""


class Link:
    """Protocol state of one child process, from its start to its end.

    Arguments:
        pipe: the way to the child.
        listener: takes what the child says unasked.
        clock: monotonic seconds.
        audience: whom the child serves.
    """

    def __init__(self, pipe: Pipe, listener: Listener, clock: Callable[[], float], audience: Audience) -> None:
        self.pipe = pipe
        self._write = pipe.write
        self._listener = listener
        self.clock = clock
        self.audience = audience
        self._next = 1
        self._pending: dict[bytes, Call] = {}
        self._ghosts: dict[bytes, tuple[float, Caller]] = {}
        self.profile: Profile | None = None
        self.log_level: str | None = None
        self.unknown_answers = 0
        self.last_heard = clock()
        self.ended = False

    def __len__(self) -> int:
        return len(self._pending)

    @property
    def client_calls(self) -> Iterator[ClientCall]:
        """The clients' calls in flight."""
        return (call for call in self._pending.values() if isinstance(call, ClientCall))

    def take_number(self) -> bytes:
        """Return a fresh id for a request to the child."""
        number = b"%d" % self._next
        self._next += 1
        return number

    def put(self, call: Call, number: bytes, params: bytes) -> None:
        """Send a call; `number` comes from take_number."""
        call.link = self
        call.number = number
        self._pending[number] = call
        self._write(wire.request(number, call.method, wire.one_line(params)))

    def ask(self, method: str, params: bytes, done: Callable[[Envelope | RpcError], None]) -> Call:
        """Send a request of the bridge's own."""
        call = OwnCall(method, done)
        self.put(call, self.take_number(), params)
        return call

    def tell(self, method: str, params: bytes = b"") -> None:
        """Send a notification."""
        self._write(wire.one_line(wire.notification(method, params)))

    def repeat(self, call: ClientCall, changes: dict[str, Raw]) -> None:
        """Put a call again, to this child or to its successor, with `changes` among its params."""
        number = self.take_number()
        if not changes and call.token is None:
            self.put(call, number, call.params)
            return
        fields = wire.members(call.params) | changes
        if call.token is not None:
            meta = wire.members(fields["_meta"])
            meta["progressToken"] = Raw(number)
            fields["_meta"] = Raw(msgspec.json.encode(meta))
        self.put(call, number, msgspec.json.encode(fields))

    def answer(self, child_id: bytes, reply: Envelope | RpcError) -> None:
        """Answer a request of the child."""
        if isinstance(reply, RpcError):
            line = wire.failure(child_id, reply.encode())
        elif reply.error:
            line = wire.failure(child_id, bytes(reply.error))
        else:
            line = wire.result(child_id, bytes(reply.result))
        self._write(wire.one_line(line))

    def abandon(self, call: Call, reason: str) -> None:
        """Tell the child that nobody waits for a call any more."""
        if self._pending.pop(call.number, None) is None:
            return
        if isinstance(call, ClientCall):
            self._ghosts[call.number] = (self.clock() + GHOST_SECONDS, call.caller)
        params = {"requestId": Raw(call.number), "reason": reason}
        self.tell("notifications/cancelled", msgspec.json.encode(params))

    def heard(self, message: Envelope) -> None:
        """Take one message of the child."""
        self.last_heard = self.clock()
        if message.method is None:
            number = bytes(message.id)
            call = self._pending.pop(number, None) or self._pending.pop(number.strip(b'"'), None)
            if call is not None:
                call.answered(message)
            elif self._ghosts.pop(number, None) is None:
                self.unknown_answers += 1
        elif not message.id:
            self._heard_notification(message.method, bytes(message.params))
        elif message.method == "ping":
            self._write(wire.result(bytes(message.id), b"{}"))
        else:
            self._listener.child_asks(self, message.method, bytes(message.params), bytes(message.id))

    def _heard_notification(self, method: str, params: bytes) -> None:
        if method != "notifications/progress":
            self._listener.child_tells(self, method, params)
            return
        try:
            fields = wire.members(params)
        except msgspec.DecodeError:
            return
        call = self._pending.get(bytes(fields.get("progressToken", wire.ABSENT)))
        if isinstance(call, ClientCall) and call.token is not None:
            fields["progressToken"] = Raw(call.token)
            call.progress(msgspec.json.encode(fields))

    def culprit(self) -> ClientCall | None:
        """Return the call that an unasked message must belong to, or None where more than one client may be meant.

        The protocol does not say which call a message belongs to. So all calls in flight, and all that were abandoned
        lately without an answer, must be of one session or be one stateless request.
        """
        now = self.clock()
        if self._ghosts:
            self._ghosts = {number: ghost for number, ghost in self._ghosts.items() if ghost[0] > now}
        found: ClientCall | None = None
        for call in self.client_calls:
            if found is not None and call.caller is not found.caller:
                return None
            found = call
        if found is None or any(caller is not found.caller for _, caller in self._ghosts.values()):
            return None
        return found

    def refuse(self, child_id: bytes, method: str) -> None:
        """Tell the child that a request of its can't be put to anybody."""
        if any(self.client_calls):
            why = "calls of several clients are in flight, so it can't be told whom this request is for"
            self.answer(child_id, RpcError(INVALID_REQUEST, f"{method}: {why}."))
        else:
            self.answer(child_id, RpcError(METHOD_NOT_FOUND, f"{method}: no client's call is in flight."))

    def drop(self, number: bytes, error: RpcError) -> None:
        """Fail one call whose answer can't be used."""
        call = self._pending.pop(number, None)
        if call is not None:
            call.failed(error)

    def lost(self, reason: str) -> None:
        """Fail everything in flight: the child is gone."""
        self.ended = True
        pending, self._pending = self._pending, {}
        for call in pending.values():
            call.failed(ChildLostError(reason))
