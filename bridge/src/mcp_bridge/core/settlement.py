"""How a client's call ends: with the child's result, with an error, with a further round, or with a repetition."""

from collections.abc import Callable

from msgspec import Raw

from . import revisions, tool_access, translation
from .callers import Caller
from .calls import ClientCall
from .envelope import Envelope, error_object
from .errors import INTERNAL_ERROR, ChildLostError, RpcError
from .link import Link
from .profile import Profile
from .questions import Questions
from .result_cache import ResultCache
from .reviewed_tools import ReviewedTools
from .rounds import Rounds


class Settlement:
    """Ends calls.

    Arguments:
        questions: what clients are asked.
        settled: called with a call and its JSON-RPC error code (0: result) when it has ended.
        later: runs a function after some seconds.
        again: finds the next child for a caller whose child has ended.
        cache: keeps results, None for none.
        reviewed: which tools clients may be told of.
    """

    def __init__(
        self,
        questions: Questions,
        *,
        settled: Callable[[ClientCall, int], None],
        later: Callable[[float, Callable[[], None]], None],
        again: Callable[[Caller, Callable[[Link | RpcError], None]], None],
        cache: ResultCache | None,
        reviewed: ReviewedTools,
    ) -> None:
        self._questions = questions
        self._settled = settled
        self._again = again
        self._rounds = Rounds(questions.put, later)
        self._cache = cache
        self._reviewed = reviewed

    def settle(self, call: ClientCall, answer: Envelope | RpcError) -> None:
        """Take the child's answer to a call, or why there is none."""
        if isinstance(answer, ChildLostError) and call.method in revisions.REPEATABLE and not call.repeated:
            call.repeated = True
            self._again(call.caller, lambda found: self._repeat(call, found, answer))
            return
        if isinstance(answer, RpcError) or answer.error:
            self.finish(call, answer)
            return
        profile = call.link.profile
        if profile is not None and profile.modern and not call.caller.modern:
            wanted = translation.input_required(answer.result)
            if wanted is not None:
                self._rounds.start(call, wanted, self.finish)
                return
        self.finish(call, answer)

    def _repeat(self, call: ClientCall, found: Link | RpcError, lost: ChildLostError) -> None:
        """Put a call to the child after the one that was lost over it, if that speaks the same revision still."""
        if call.done:
            return
        if isinstance(found, RpcError):
            self.finish(call, found)
        elif found.profile is None or call.link.profile is None or found.profile.modern != call.link.profile.modern:
            self.finish(call, lost)
        else:
            found.repeat(call, {})

    def finish(self, call: ClientCall, answer: Envelope | RpcError) -> None:
        """Answer the client, unless it has been answered."""
        if call.done:
            return
        call.done = True
        session = call.session
        if session is not None and session.asked:
            self._questions.release(session, call.exchange)
        if isinstance(answer, RpcError):
            code = answer.code
            call.refuse(answer.encode(), code)
        elif answer.error:
            code = error_object(answer.error).code or INTERNAL_ERROR
            call.refuse(bytes(answer.error), code)
        else:
            code = self._succeed(call, answer)
        self._settled(call, code)

    def _succeed(self, call: ClientCall, answer: Envelope) -> int:
        profile = call.link.profile
        refusal = self._reviewed.check(bytes(answer.result)) if call.method == tool_access.LIST else None
        if refusal is not None:
            call.refuse(refusal.encode(), refusal.code)
            return refusal.code
        try:
            value = for_client(call.method, answer.result, call.caller, profile)
        except RpcError:
            error = RpcError(INTERNAL_ERROR, f"The server's answer to {call.method} is malformed.")
            call.refuse(error.encode(), error.code)
            return error.code
        if self._cache is not None and call.cache_key is not None:
            self._cache.keep(call.cache_key, answer.result)
        call.succeed(value)
        return 0


def for_client(method: str, value: Raw, caller: Caller, child: Profile | None) -> bytes:
    """Return a child's result as its caller may and can read it. Raises RpcError where it is malformed."""
    if child is None or caller.modern == child.modern:
        read = bytes(value)
    else:
        read = translation.to_client(method, value, caller, child)
    if method == tool_access.LIST and caller.access.tools is not None:
        read = tool_access.narrow(read, caller.access.tools)
    return read
