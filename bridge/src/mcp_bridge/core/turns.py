"""Whose turn it is when the children have as many calls as they may: by tier, and first come first served in it."""

import sys
from abc import ABC, abstractmethod
from bisect import insort
from typing import Final, Protocol

from .errors import OverloadedError, RpcError

PLACES: Final = 100
RETRY_SECONDS: Final = 1.0


class Place(Protocol):
    """Where calls wait."""

    def forget(self, call: "Waiting") -> bool:
        """Let a call wait no longer. False where it does not."""


class Waiting(ABC):
    """A call that waits: for its turn, or for an equal one. `priority` is its client's: more goes first.

    It is `alone` when it shall not wait for an equal one again.
    """

    __slots__ = ("_place", "alone", "priority", "rank")

    def __init__(self, place: Place, priority: int) -> None:
        self._place = place
        self.alone = False
        self.priority = priority
        self.rank = (0, 0)

    @abstractmethod
    def go(self) -> None:
        """Go on: it has no place any more."""

    @abstractmethod
    def refuse(self, error: RpcError) -> None:
        """Answer the client with an error: it has no place any more."""

    def leave(self) -> bool:
        """Give up its place; False where it has none."""
        return self._place.forget(self)

    def cancel(self, error: RpcError) -> None:
        """Give up its place and answer the client."""
        if self.leave():
            self.refuse(error)


class Turns:
    """The calls that the children have, counted, and those that wait, in order.

    Arguments:
        most: calls that the children may have at a time, 0 for any number.
        places: calls that may wait.
    """

    def __init__(self, most: int, places: int = PLACES) -> None:
        self._running = 0
        self.full = False
        """Whether a further call has to wait."""
        self._arrived = 0
        self._waiting: list[Waiting] = []
        self.limit(most, places)

    def __len__(self) -> int:
        return len(self._waiting)

    def limit(self, most: int, places: int) -> None:
        """Set both bounds, and let go or refuse calls that wait accordingly. Calls in progress stay."""
        self._most = most or sys.maxsize
        self._places = places
        self.full = self._running >= self._most
        self._go_on()
        self._refuse_what_is_too_much()

    def begin(self) -> None:
        """Note that a call was put to a child."""
        self._running += 1
        self.full = self._running >= self._most

    def end(self) -> None:
        """Note that a call has ended, and let the next one go on."""
        self._running -= 1
        self.full = self._running >= self._most
        if self._waiting:
            self._go_on()

    def _go_on(self) -> None:
        while self._waiting and self._running < self._most:
            self._waiting.pop(0).go()

    def wait(self, call: Waiting) -> None:
        """Let a call wait. Where no place is left, the newest of the lowest tier is refused: this one or another."""
        self._arrived += 1
        call.rank = (-call.priority, self._arrived)
        insort(self._waiting, call, key=lambda waiting: waiting.rank)
        self._refuse_what_is_too_much()

    def _refuse_what_is_too_much(self) -> None:
        while len(self._waiting) > self._places:
            text = f"{self._most} calls are in progress and {self._places} wait, the most that may (--max-concurrent, "
            text += "--max-queue). The call did not run: repeat it after the seconds in Retry-After."
            self._waiting.pop().refuse(OverloadedError(text, RETRY_SECONDS))

    def forget(self, call: Waiting) -> bool:
        """Give a place free. False where the call has none any more."""
        if call not in self._waiting:
            return False
        self._waiting.remove(call)
        return True
