"""Equal requests that are under way at a time: one leads, to the child, and the others wait for what it brings back."""

from typing import Final

from .result_cache import Key
from .turns import Waiting

FAILURES: Final = 2
"""Leaders in a row that brought nothing which serves the others. Then these go on each for itself."""


class _Flight:
    __slots__ = ("failures", "leader", "waiting")

    def __init__(self, leader: object) -> None:
        self.leader = leader
        self.waiting: list[Waiting] = []
        self.failures = 0


class Flights:
    """What is under way, by key."""

    def __init__(self) -> None:
        self._flights: dict[Key, _Flight] = {}

    def __len__(self) -> int:
        """How many requests wait for an equal one."""
        return sum(len(flight.waiting) for flight in self._flights.values())

    def __contains__(self, key: Key) -> bool:
        return key in self._flights

    def begin(self, key: Key, leader: object) -> None:
        """Note who leads; `land` names it again."""
        self._flights.setdefault(key, _Flight(leader))

    def join(self, key: Key, call: Waiting) -> None:
        """Let a request wait for the leader."""
        self._flights[key].waiting.append(call)

    def land(self, key: Key, leader: object, *, failed: bool) -> None:
        """Let those that wait go on: the leader is back, or has left.

        The first of them may find what was brought back, as all others will; or it leads, and they wait again.
        """
        flight = self._flights.get(key)
        if flight is None or flight.leader is not leader:
            return
        del self._flights[key]
        failures = flight.failures + failed
        for call in flight.waiting:
            again = self._flights.get(key)
            if again is not None and failures < FAILURES:
                again.failures = failures
                again.waiting.append(call)
            else:
                call.alone = failures >= FAILURES
                call.go()

    def forget(self, call: Waiting) -> bool:
        """Let a request wait no longer. False where it does not."""
        for flight in self._flights.values():
            if call in flight.waiting:
                flight.waiting.remove(call)
                return True
        return False
