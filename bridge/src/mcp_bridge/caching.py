"""What a replica keeps of its server's results, put together as the command line asks for it."""

import time
from collections.abc import Callable
from typing import TYPE_CHECKING

from .core.profile import Profile
from .core.result_cache import ResultCache
from .repeats import Repeats
from .settings import Settings

if TYPE_CHECKING:
    from .redis_results import RedisResults


class Caching:
    """The cache of one replica, what it shares with others, and the requests that need no call because of it.

    Arguments:
        settings: the command line.
        redis_password: of the bridge's user in Redis.
        hit: called with the method of each request that needed no child.
        repeatable: returns the tools that are declared read-only and idempotent.
    """

    def __init__(
        self,
        settings: Settings,
        redis_password: str | None,
        *,
        hit: Callable[[str], None],
        repeatable: Callable[[], frozenset[str]],
    ) -> None:
        self._redis = _redis(settings, redis_password, self._stale)
        self.results = ResultCache(time.monotonic, hit, repeatable, settings.cache_entries, self._redis)
        self.repeats = Repeats(self.results)

    def _stale(self, methods: frozenset[str]) -> None:
        self.results.forget(methods)

    @property
    def redis_up(self) -> bool | None:
        """Whether Redis answers; None where nothing is shared."""
        return None if self._redis is None else self._redis.up

    def serves(self, child: Profile) -> None:
        """Take what a server process that has come up says of itself."""
        if self._redis is not None:
            self._redis.serves(child)

    def look(self) -> None:
        """See what other replicas found to be stale. To be called every second."""
        if self._redis is not None:
            self._redis.look()

    async def close(self) -> None:
        """Let go of Redis."""
        if self._redis is not None:
            await self._redis.close()


def _redis(settings: Settings, password: str | None, stale: Callable[[frozenset[str]], None]) -> "RedisResults | None":
    if settings.cache_redis is None:
        return None
    # Only where it is asked for: the client takes 9 MB.
    from .redis_results import RedisResults

    return RedisResults(settings.cache_redis, password, settings.name, settings.cache_release, stale)
