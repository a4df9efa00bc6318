"""Time as the provider sees it: pauses, and the distance that the API wants between requests."""

import time
from threading import Lock
from typing import Protocol


class Clock(Protocol):
    """Tells and spends time."""

    def now(self) -> float:
        """Return the seconds since some fixed moment."""

    def pause(self, seconds: float) -> None:
        """Return `seconds` later."""


class SystemClock:
    """The time of this machine."""

    def now(self) -> float:
        """Return the seconds since some fixed moment."""
        return time.monotonic()

    def pause(self, seconds: float) -> None:
        """Return `seconds` later."""
        time.sleep(seconds)


class Pacer:
    """Keeps a distance between requests, whichever thread makes them."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._lock = Lock()
        self._free_at: dict[str, float] = {}

    def wait(self, distances: dict[str, float]) -> None:
        """Return when every kind of request in `distances` may be made, and keep the next one of it that far away."""
        with self._lock:
            now = self._clock.now()
            at = max([now, *(self._free_at.get(kind, now) for kind in distances)])
            self._free_at.update({kind: at + seconds for kind, seconds in distances.items()})
        if at > now:
            self._clock.pause(at - now)
