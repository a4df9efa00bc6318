"""Requests that a server puts to a client: each to the client whose call caused it, or refused."""

from collections.abc import Callable

import msgspec
from msgspec import Raw

from . import revisions
from .callers import Exchange, ServerRequest, Session
from .calls import ClientCall
from .envelope import Envelope, notification, request
from .errors import INVALID_REQUEST, METHOD_NOT_FOUND, RpcError
from .sessions import SessionTable

Done = Callable[[Envelope | RpcError], None]


class Questions:
    """All questions that wait for a client's answer."""

    def __init__(self, sessions: SessionTable) -> None:
        self._sessions = sessions
        self._asked = 0

    def put(self, call: ClientCall, method: str, params: bytes, done: Done, child_id: bytes = b"") -> None:
        """Ask the client of `call`; `done` gets the answer, or why there is none. `child_id` is the child's own id."""
        session = call.session
        if session is None:
            why = f"the client speaks {revisions.MODERN}, where servers put no requests to clients"
            done(RpcError(METHOD_NOT_FOUND, f"{method}: {why}."))
            return
        if not session.can(method):
            done(RpcError(METHOD_NOT_FOUND, f"{method}: the client did not declare that it can do this."))
            return
        self._asked += 1
        number = b'"ask-%d"' % self._asked
        session.asked[number] = ServerRequest(done, call.exchange, child_id)
        message = request(number, method, params)
        if call.exchange.send(message):
            return
        if session.opened_streams is not None and session.opened_streams.standing.connected:
            session.opened_streams.standing.send(message)
        else:
            del session.asked[number]
            done(RpcError(INVALID_REQUEST, f"{method}: the client has no open stream to ask it on."))

    def answer(self, session: Session, message: Envelope) -> None:
        """Take a client's answer. Nobody can answer what another session was asked."""
        asked = session.asked.pop(bytes(message.id), None)
        if asked is not None:
            asked.on_answer(message)

    def withdraw(self, child_id: bytes) -> None:
        """A child does not want the answer to its request any more: tell the client."""
        for session in self._sessions:
            for number, asked in list(session.asked.items()):
                if asked.child_id == child_id:
                    del session.asked[number]
                    params = msgspec.json.encode({"requestId": Raw(number)})
                    asked.exchange.send(notification("notifications/cancelled", params))

    def release(self, session: Session, exchange: Exchange) -> None:
        """A call has ended: what was asked on its account is not answered any more."""
        for number, asked in list(session.asked.items()):
            if asked.exchange is exchange:
                del session.asked[number]
                asked.on_answer(RpcError(INVALID_REQUEST, "The call that this request belongs to has ended."))
