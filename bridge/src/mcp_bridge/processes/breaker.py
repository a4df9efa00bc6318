"""The circuit breaker of one child: after too many failures it is left alone for a while."""

from collections import deque
from enum import IntEnum
from typing import Final

MAX_FAILURES: Final = 5
BREAKER_SECONDS: Final = 60.0
STEADY_SECONDS: Final = 10.0
"""A child that served this long has recovered."""


class BreakerState(IntEnum):
    """The values of the metric mcp_circuit_breaker_state."""

    CLOSED = 0
    HALF_OPEN = 1
    OPEN = 2


class Breaker:
    """Opens after five failures, and tries again after a pause. Times are monotonic seconds.

    The probe is the bridge's own: a child that is started, introduces itself and lists what it has. No client's call is
    risked for it. Until that child has proved steady, one more failure opens the breaker again.

    Arguments:
        seconds: within which five failures open it, and for which it then stays open.
    """

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._failures: deque[float] = deque(maxlen=MAX_FAILURES)
        self._open_until: float | None = None
        self._up_since: float | None = None

    def state(self, now: float) -> BreakerState:
        """Return what it does with requests: half open from the end of the pause until the child is steady."""
        if self._open_until is None:
            return BreakerState.CLOSED
        if now < self._open_until:
            return BreakerState.OPEN
        if self._up_since is not None and now - self._up_since > STEADY_SECONDS:
            return BreakerState.CLOSED
        return BreakerState.HALF_OPEN

    def remaining(self, now: float) -> float:
        """Return the seconds until the next attempt; 0 while it is not open."""
        return 0.0 if self._open_until is None else max(0.0, self._open_until - now)

    def failed(self, now: float) -> None:
        """Note that the child ended or did not come up."""
        state = self.state(now)
        self._up_since = None
        if state is BreakerState.CLOSED and self._open_until is not None:
            self._open_until = None
            self._failures.clear()
        self._failures.append(now)
        many = len(self._failures) == MAX_FAILURES and now - self._failures[0] <= self._seconds
        if state is BreakerState.HALF_OPEN or (state is BreakerState.CLOSED and many):
            self._open_until = now + self._seconds

    def came_up(self, now: float) -> None:
        """Note that a child serves."""
        self._up_since = now
