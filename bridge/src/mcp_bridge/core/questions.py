"""Requests that a server puts to a client: each to the client whose call caused it, or refused."""

from collections.abc import Callable

import msgspec
from msgspec import Raw

from . import revisions
from .audience import Audience
from .callers import Exchange, ServerRequest, Session
from .calls import ClientCall
from .envelope import Envelope, notification, request
from .errors import INVALID_REQUEST, METHOD_NOT_FOUND, RpcError

Done = Callable[[Envelope | RpcError], None]


class Questions:
    """All questions that wait for a client's answer."""

    def __init__(self) -> None:
        self._asked = 0

    def put(self, call: ClientCall, method: str, params: bytes, done: Done, child_id: bytes = b"") -> None:
        """Ask the client of `call`; `done` gets the answer, or why there is none. `child_id` is the child's own id."""
        session = call.session
        if session is None:
            why = f"the client speaks {revisions.MODERN}, where servers put no requests to clients"
            done(RpcError(METHOD_NOT_FOUND, f"{method}: {why}."))
            return
        self._ask(session, call.exchange, method, params, done, child_id)

    def put_outside(self, session: Session, method: str, params: bytes, done: Done, child_id: bytes) -> None:
        """Ask the client of a session while none of its calls is in flight: on its standing stream."""
        self._ask(session, None, method, params, done, child_id)

    def _ask(
        self, session: Session, exchange: Exchange | None, method: str, params: bytes, done: Done, child_id: bytes
    ) -> None:
        if not session.can(method):
            done(RpcError(METHOD_NOT_FOUND, f"{method}: the client did not declare that it can do this."))
            return
        self._asked += 1
        number = b'"ask-%d"' % self._asked
        session.asked[number] = ServerRequest(done, exchange, child_id)
        if not _send(session, exchange, request(number, method, params)):
            del session.asked[number]
            done(RpcError(INVALID_REQUEST, f"{method}: the client has no open stream to ask it on."))

    def answer(self, session: Session, message: Envelope) -> None:
        """Take a client's answer. Nobody can answer what another session was asked."""
        asked = session.asked.pop(bytes(message.id), None)
        if asked is not None:
            asked.on_answer(message)

    def withdraw(self, audience: Audience, child_id: bytes) -> None:
        """A child does not want the answer to its request any more: tell the client."""
        for session in audience.sessions:
            for number, asked in list(session.asked.items()):
                if asked.child_id == child_id:
                    del session.asked[number]
                    params = msgspec.json.encode({"requestId": Raw(number)})
                    _send(session, asked.exchange, notification("notifications/cancelled", params))

    def release(self, session: Session, exchange: Exchange) -> None:
        """A call has ended: what was asked on its account is not answered any more."""
        for number, asked in list(session.asked.items()):
            if asked.exchange is exchange:
                del session.asked[number]
                asked.on_answer(RpcError(INVALID_REQUEST, "The call that this request belongs to has ended."))


def _send(session: Session, exchange: Exchange | None, message: bytes) -> bool:
    """Send before the answer that is awaited, or else on the standing stream."""
    if exchange is not None and exchange.send(message):
        return True
    if session.opened_streams is None or not session.opened_streams.standing.connected:
        return False
    session.opened_streams.standing.send(message)
    return True
