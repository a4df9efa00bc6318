"""Results that serve again: the least recently used goes first, and none is older than its time."""

from collections.abc import Awaitable, Callable, Hashable
from typing import Final, Generic, TypeVar

import anyio
from cachetools import TTLCache

from .metrics import LOCAL_CACHE

ENTRIES: Final = 1000
SECONDS: Final = 300.0

KeyT = TypeVar("KeyT", bound=Hashable)
ValueT = TypeVar("ValueT")


class ResultCache(Generic[KeyT, ValueT]):
    """Keeps results by key. Equal lookups that are under way at a time compute once.

    Arguments:
        name: a label of the metric.
        entries: most results that are kept.
        seconds: for how long each is.
    """

    def __init__(self, name: str, *, entries: int = ENTRIES, seconds: float = SECONDS) -> None:
        self._results: TTLCache[KeyT, ValueT] = TTLCache(entries, seconds)
        self._under_way: dict[KeyT, anyio.Lock] = {}
        self._hits = LOCAL_CACHE.labels(name, "hit")
        self._misses = LOCAL_CACHE.labels(name, "miss")

    async def get(self, key: KeyT, compute: Callable[[], Awaitable[ValueT]]) -> ValueT:
        """Return what is kept under `key`, or else compute and keep it. An error of `compute` is not kept."""
        lock = self._under_way.setdefault(key, anyio.Lock())
        try:
            async with lock:
                if key in self._results:
                    self._hits.inc()
                    return self._results[key]
                self._misses.inc()
                found = await compute()
                self._results[key] = found
                return found
        finally:
            if not lock.statistics().tasks_waiting:
                self._under_way.pop(key, None)

    def forget(self) -> None:
        """Keep nothing of what was kept: what it was computed of has changed."""
        self._results.clear()
