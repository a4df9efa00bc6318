"""What the cache of one replica asks of a cache that all replicas of its server share."""

from collections.abc import Callable
from typing import TYPE_CHECKING, NamedTuple, Protocol

if TYPE_CHECKING:
    from .result_cache import Key


class Shared(NamedTuple):
    """A result that some replica kept, and for how many seconds it is good still."""

    result: bytes
    seconds: float


Found = Callable[[Shared | None], None]


class SharedResults(Protocol):
    """Results that replicas share. Nothing here waits or raises: what can't be had now is not there."""

    def find(self, key: "Key", found: Found) -> bool:
        """Look for a result, and call `found` later; False where it can't be looked for now, and won't be called."""

    def keep(self, key: "Key", result: bytes, seconds: float) -> None:
        """Keep a result for so many seconds."""

    def changed(self, methods: frozenset[str]) -> None:
        """Make the results of these methods stale for all replicas."""
