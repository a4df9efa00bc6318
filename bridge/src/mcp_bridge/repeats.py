"""Requests that need no call of their own: their result is kept, or an equal request is under way."""

from collections.abc import Callable

from .core.calls import ClientCall
from .core.errors import REQUEST_CANCELLED
from .core.flights import Flights
from .core.link import Link
from .core.result_cache import Key, ResultCache
from .core.settlement import for_client
from .pending import Request, WaitingRequest


class Repeats:
    """Answers requests with results that are kept, and lets equal ones wait for the first of them.

    Arguments:
        cache: keeps results.
    """

    def __init__(self, cache: ResultCache) -> None:
        self._cache = cache
        self._flights = Flights()

    def __len__(self) -> int:
        """How many requests wait for an equal one."""
        return len(self._flights)

    def take(self, link: Link, request: Request, go_on: Callable[[Request], None]) -> bool:
        """Take a request that needs no call now. `go_on` gets it back if it needs one after all.

        Raises RpcError where one of the same id has no answer yet in its session.
        """
        # What a child of one session says may depend on that session.
        key = self._cache.key(request.message, request.caller.client) if link.audience.stateless else None
        request.cache_key = key
        if key is None:
            return False
        kept = self._cache.find(key)
        if kept is not None:
            request.answer_again(for_client(key.method, kept, request.caller, link.profile))
            return True
        if request.alone:
            return False
        if key not in self._flights and (request.looked or not self._look(key)):
            return False
        request.looked = True
        self._flights.join(key, WaitingRequest(request, self._flights, go_on))
        return True

    def _look(self, key: Key) -> bool:
        """Begin to look for a result among those that replicas share; False where that can't be done now."""
        looking = object()
        if not self._cache.look(key, lambda: self._flights.land(key, looking, failed=False)):
            return False
        self._flights.begin(key, looking)
        return True

    def lead(self, request: Request, call: ClientCall) -> None:
        """Note the call that a request became: equal ones wait for it."""
        key = request.cache_key
        call.cache_key = key
        if key is not None and not request.alone:
            self._flights.begin(key, call)

    def settled(self, call: ClientCall, code: int) -> None:
        """Let those go on that waited for a call. `code` is its JSON-RPC error code, 0 for a result."""
        key = call.cache_key
        if key is not None:
            failed = code != REQUEST_CANCELLED and key not in self._cache
            self._flights.land(key, call, failed=failed)
