"""What a message means and where it goes: between clients of both eras and a child of either."""

from collections.abc import Callable
from typing import Final, TypeVar

import msgspec
from msgspec import Raw

from . import log_levels, revisions, translation
from .callers import Caller, Exchange, Session
from .calls import ClientCall
from .envelope import Envelope, check_unique, key_of, notification, result
from .errors import (
    INTERNAL_ERROR,
    INVALID_PARAMS,
    INVALID_REQUEST,
    METHOD_NOT_FOUND,
    REQUEST_CANCELLED,
    RpcError,
)
from .interests import ACKNOWLEDGED, LIST_CHANGED, UPDATED, Filter, Interests
from .link import Link
from .questions import Questions
from .result_cache import ResultCache
from .reviewed_tools import ReviewedTools
from .sessions import SessionTable
from .settlement import Settlement
from .spans import Spans
from .turns import Waiting

_T = TypeVar("_T")
_REFRESHED: Final = frozenset(LIST_CHANGED)
_OF_ONE_CLIENT: Final = frozenset({"notifications/roots/list_changed", "notifications/progress"})


_UNCOMMON: Final = revisions.SESSION_ONLY | revisions.MODERN_ONLY | revisions.ANSWERED_HERE
"""Methods that one era lacks, or that the bridge itself may answer."""

_QUOTED: Final = {"name": b'"name"', "uri": b'"uri"'}


class _Named(msgspec.Struct):
    name: str = ""
    uri: str = ""
    meta: Raw = msgspec.field(name="_meta", default=Raw())


class _Level(msgspec.Struct):
    level: str = ""


class _Uri(msgspec.Struct):
    uri: str


class _Listen(msgspec.Struct):
    notifications: Filter


class _Cancelled(msgspec.Struct):
    requestId: Raw = Raw()  # noqa: N815 - the wire's name


_named = msgspec.json.Decoder(_Named)
_level = msgspec.json.Decoder(_Level)
_uri = msgspec.json.Decoder(_Uri)
_listen = msgspec.json.Decoder(_Listen)


class Switchboard:
    """Routes messages. Holds no child and no socket: both come with each message.

    Arguments:
        sessions: the open sessions.
        settled: called with a call and its JSON-RPC error code (0: result) when a client's call ends.
        list_changed: called with the conversation in which a child says that a list changed.
        later: runs a function after some seconds.
        again: finds the next child for a caller whose child has ended.
        spans: begins the calls' spans.
        cache: keeps results, None for none.
        reviewed: which tools clients may be told of.
    """

    def __init__(
        self,
        sessions: SessionTable,
        *,
        settled: Callable[[ClientCall, int], None],
        list_changed: Callable[[Link], None],
        later: Callable[[float, Callable[[], None]], None],
        again: Callable[[Caller, Callable[[Link | RpcError], None]], None],
        spans: Spans,
        reviewed: ReviewedTools,
        cache: ResultCache | None = None,
    ) -> None:
        self.sessions = sessions
        self.interests = Interests()
        self._list_changed = list_changed
        self.questions = Questions()
        self._spans = spans
        self._cache = cache
        self._settlement = Settlement(
            self.questions, settled=settled, later=later, again=again, cache=cache, reviewed=reviewed
        )

    # Messages of clients

    def request(self, link: Link, caller: Caller, message: Envelope, exchange: Exchange) -> ClientCall | None:
        """Take a client's request. Returns the call if the child has to answer it; raises RpcError to refuse it."""
        method = message.method or ""
        if method not in _UNCOMMON:
            return self._forward(link, caller, message, exchange)
        if caller.modern and method in revisions.SESSION_ONLY:
            raise RpcError(METHOD_NOT_FOUND, f"{method} does not exist in revision {revisions.MODERN}.", method)
        if method == "initialize":
            raise RpcError(INVALID_REQUEST, "initialize can't be part of a batch.")
        if not caller.modern and method in revisions.MODERN_ONLY:
            raise RpcError(METHOD_NOT_FOUND, f"{method} needs revision {revisions.MODERN}.", method)
        answer = self._answer_here(link, caller, message, exchange)
        if answer is None:
            return self._forward(link, caller, message, exchange)
        if answer:
            exchange.finish(result(bytes(message.id), answer), 0)
        return None

    def _answer_here(self, link: Link, caller: Caller, message: Envelope, exchange: Exchange) -> bytes | None:
        """Return the result that the bridge itself gives: empty if that comes later, None if the child must answer."""
        method = message.method
        if method == "ping":
            return b"{}"
        if method == "server/discover" and link.profile is not None:
            return link.profile.discover_result()
        if method == "subscriptions/listen":
            wanted = _read(message.params, _listen).notifications
            self.interests.listen(bytes(message.id), wanted, exchange)
            return b""
        if not isinstance(caller, Session):
            return None
        if method == "logging/setLevel":
            level = _read(message.params, _level).level
            return b"{}" if log_levels.choose(link, caller, level) else None
        if (
            method == "resources/subscribe"
            and link.profile is not None
            and link.profile.declares("resources", "subscribe")
        ):
            self.interests.follow(link, caller, _read(message.params, _uri).uri)
            return b"{}"
        if method == "resources/unsubscribe":
            self.interests.leave(link, caller, {_read(message.params, _uri).uri})
            return b"{}"
        return None

    def _forward(self, link: Link, caller: Caller, message: Envelope, exchange: Exchange) -> ClientCall:
        method = message.method or ""
        client_id = bytes(message.id)
        key: str | bytes | None = None
        session = caller if isinstance(caller, Session) else None
        if session is not None:
            key = session.free_key(client_id)
        profile = link.profile
        if profile is None:
            raise RpcError(INTERNAL_ERROR, "The server has not said yet what it speaks.")
        call = ClientCall(
            method,
            client_id=client_id,
            key=key,
            caller=caller,
            exchange=exchange,
            name=_name(method, message.params),
            started=link.clock(),
            settle=self._settlement.settle,
        )
        number = link.take_number()
        params = bytes(message.params)
        trace = exchange.origin.trace
        passes = translation.passes(params, caller, profile)
        if not passes or trace is not None or self._spans.recorded:
            call.span, call.trace = self._spans.begin(trace, params)
        if passes and call.trace is None:
            call.params = params
        else:
            call.params, call.token = translation.to_child(
                params, caller, child_modern=profile.modern, number=number, trace=call.trace
            )
        if caller.modern and caller.log_level is not None:
            log_levels.reach(link, caller.log_level)
        if session is not None and key is not None:
            session.in_flight[key] = call
        link.put(call, number, call.params)
        return call

    def notify(self, link: Link, caller: Caller, message: Envelope) -> None:
        """Take a client's notification.

        Of these only a cancellation goes on: the bridge said `initialized` itself, and what concerns the roots of one
        client, or its progress with a question, is not for a child that others use too.
        """
        method = message.method or ""
        if method in _OF_ONE_CLIENT and link.audience.only is caller:
            link.tell(method, bytes(message.params))
            return
        if method == "notifications/cancelled" and isinstance(caller, Session):
            wanted = _try_read(bytes(message.params), _Cancelled)
            call = caller.in_flight.get(key_of(bytes(wanted.requestId))) if wanted and wanted.requestId else None
            if isinstance(call, ClientCall):
                self.cancel(call, "cancelled by the client")
            elif isinstance(call, Waiting):
                call.cancel(RpcError(REQUEST_CANCELLED, "The request was cancelled."))

    def cancel(self, call: ClientCall, reason: str) -> None:
        """End a call that its client does not want any more."""
        call.link.abandon(call, reason)
        self._settlement.finish(call, RpcError(REQUEST_CANCELLED, "The request was cancelled."))

    def end_session(self, link: Link | None, session: Session) -> None:
        """End a session with everything in it."""
        for call in list(session.in_flight.values()):
            if isinstance(call, ClientCall):
                self.cancel(call, "the session ended")
            elif isinstance(call, Waiting):
                call.cancel(RpcError(REQUEST_CANCELLED, "The session has ended."))
        self.interests.leave(link, session, set(session.subscriptions))
        self.sessions.close(session)

    def renew(self, link: Link) -> None:
        """Bring a fresh child to where its predecessor was: log level and subscriptions."""
        # What a child of one session says concerns nobody else, and is not kept.
        if self._cache is not None and link.audience.stateless:
            self._cache.clear()
        log_levels.apply(link)
        self.interests.renew(link)

    # Messages of children

    def child_tells(self, link: Link, method: str, params: bytes) -> None:
        """Pass a child's notification on to whom it concerns, and to nobody else."""
        if method in _REFRESHED:
            if self._cache is not None and link.audience.stateless:
                self._cache.changed(method)
            self._list_changed(link)
            self.interests.changed(link, method)
        elif method == UPDATED:
            self.interests.updated(link, params)
        elif method == "notifications/cancelled":
            wanted = _try_read(params, _Cancelled)
            if wanted is not None and wanted.requestId:
                self.questions.withdraw(link.audience, bytes(wanted.requestId))
        elif method != ACKNOWLEDGED:
            self._pass_on(link, method, params)

    def _pass_on(self, link: Link, method: str, params: bytes) -> None:
        """Pass a notification on to the client whose call caused it, or to the only one that the child has."""
        call = link.culprit()
        caller = link.audience.only if call is None else call.caller
        if caller is None:
            return
        if method == "notifications/message":
            entry = _try_read(params, _Level)
            if entry is None or not caller.wants(entry.level):
                return
        if call is not None:
            call.exchange.send(notification(method, params))
        elif isinstance(caller, Session):
            caller.push(notification(method, params))

    def child_asks(self, link: Link, method: str, params: bytes, child_id: bytes) -> None:
        """Put a child's request to the client whose call caused it, or refuse it."""
        call = link.culprit()
        only = link.audience.only
        if call is not None:
            self.questions.put(call, method, params, lambda reply: link.answer(child_id, reply), child_id)
        elif only is not None:
            self.questions.put_outside(only, method, params, lambda reply: link.answer(child_id, reply), child_id)
        else:
            link.refuse(child_id, method)


def _read(params: Raw, decoder: msgspec.json.Decoder[_T]) -> _T:
    try:
        return decoder.decode(params or b"{}")
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise RpcError(INVALID_PARAMS, f"Invalid params: {error}.") from error


def _try_read(params: bytes, kind: type[_T]) -> _T | None:
    """Read the params of a notification: a malformed one has nobody to complain to."""
    try:
        return msgspec.json.decode(params, type=kind)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None


def _name(method: str, params: Raw) -> str:
    if method not in revisions.NAMED_BY or not params:
        return ""
    named = _read(params, _named)
    member = revisions.NAMED_BY[method]
    quoted = _QUOTED[member]
    found = bytes(params).count(quoted)
    if found > 1 and found > bytes(named.meta).count(quoted) + 1:
        check_unique(params)
    return named.uri if member == "uri" else named.name
