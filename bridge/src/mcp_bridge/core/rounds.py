"""Multi round-trip for clients that don't know it: a modern child's `input_required` becomes requests to the client.

The child answers a call with what it needs first (2026-07-28). A client of a session revision is asked for each of
these, and the call is put to the child again with the answers.
"""

from collections.abc import Callable
from typing import Final, Protocol

import msgspec
from msgspec import Raw

from .calls import ClientCall
from .envelope import ABSENT, Envelope, error_object
from .errors import INTERNAL_ERROR, RpcError
from .translation import InputRequired

MAXIMUM: Final = 10
"""Rounds of one call, as in the official SDKs."""

PAUSE_SECONDS: Final = 0.1
"""Pause before a call is repeated that wants nothing but to be repeated."""

Finish = Callable[[ClientCall, Envelope | RpcError], None]


class Put(Protocol):
    """Sends a request to the client of a call."""

    def __call__(
        self, call: ClientCall, method: str, params: bytes, done: Callable[[Envelope | RpcError], None], /
    ) -> None: ...


class _Request(msgspec.Struct):
    method: str
    params: Raw = ABSENT


class Rounds:
    """Drives the rounds of all calls."""

    def __init__(self, put: Put, later: Callable[[float, Callable[[], None]], None]) -> None:
        self._put = put
        self._later = later

    def start(self, call: ClientCall, wanted: InputRequired, finish: Finish) -> None:
        """Serve one interim result; `finish` is called instead of a further round when that is impossible."""
        call.rounds += 1
        if call.rounds > MAXIMUM:
            finish(call, RpcError(INTERNAL_ERROR, f"The server asked for input {MAXIMUM} times and did not finish."))
            return
        requests = wanted.inputRequests or {}
        if not requests:
            self._later(PAUSE_SECONDS, lambda: _repeat(call, wanted, {}))
            return
        answers: dict[str, Raw] = {}
        ended = False

        def take(key: str, reply: Envelope | RpcError) -> None:
            nonlocal ended
            if ended:
                return
            if isinstance(reply, RpcError):
                ended = True
                finish(call, reply)
            elif reply.error:
                ended = True
                found = error_object(reply.error)
                finish(call, RpcError(found.code or INTERNAL_ERROR, found.message))
            else:
                answers[key] = Raw(bytes(reply.result))
                if len(answers) == len(requests):
                    ended = True
                    _repeat(call, wanted, answers)

        def put(key: str, asked: _Request) -> None:
            self._put(call, asked.method, bytes(asked.params), lambda reply: take(key, reply))

        for key, raw in requests.items():
            try:
                asked = msgspec.json.decode(raw, type=_Request)
            except (msgspec.DecodeError, UnicodeDecodeError) as error:
                take(key, RpcError(INTERNAL_ERROR, f"The server's input request {key!r} is malformed: {error}."))
                return
            put(key, asked)


def _repeat(call: ClientCall, wanted: InputRequired, answers: dict[str, Raw]) -> None:
    """Put the call to the child again, with the client's answers and the child's own state."""
    if call.done:
        return
    changes: dict[str, Raw] = {}
    if answers:
        changes["inputResponses"] = Raw(msgspec.json.encode(answers))
    if wanted.requestState:
        changes["requestState"] = wanted.requestState
    call.link.repeat(call, changes)
