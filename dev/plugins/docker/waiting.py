"""Waiting for a condition with a deadline."""

import time
from collections.abc import Callable
from typing import Final, TypeVar

POLL: Final = 0.5  # seconds

T = TypeVar("T")


def until(
    condition: Callable[[], T | None],
    timeout: float,
    delay: float = 0,
    poll: float = POLL,
    clock: Callable[[], float] = time.monotonic,
    pause: Callable[[float], None] = time.sleep,
) -> T | None:
    """What the condition gives as soon as it gives something, or None when the time is up.

    Args:
        condition: asked every `poll` seconds, and a last time when the time is up.
        timeout: seconds until giving up, the delay included.
        delay: seconds before the condition is asked for the first time.
    """
    deadline = clock() + timeout
    pause(min(delay, timeout))
    while True:
        result = condition()
        left = deadline - clock()
        if result is not None or left <= 0:
            return result
        pause(min(poll, left))
