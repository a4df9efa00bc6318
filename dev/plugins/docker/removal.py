"""Removing what may still be in use for a moment."""

import time
from collections.abc import Callable
from typing import Final

from dev.plugins.docker.engine import EngineError
from dev.plugins.docker.waiting import until
from dev.plugins.resource import OperationError

FIRST_ATTEMPT: Final = 2.0  # seconds after which the real provider tries for the first time
TIMEOUT: Final = 30.0


def removed_within(remove: Callable[[], None], in_use: str, what: str, timeout: float = TIMEOUT) -> None:
    """Removes something, again and again while the engine says that it is in use.

    An attempt earlier than the real provider's first one may succeed, but its failure does not count.

    Args:
        remove: one attempt.
        in_use: text of the error after which another attempt is made.
        what: name of the thing, for the error.
        timeout: seconds until giving up.

    Raises:
        OperationError: the engine refuses for another reason, or still does when the time is up.
    """
    start = time.monotonic()
    refusal = ""

    def attempt() -> bool | None:
        nonlocal refusal
        try:
            remove()
        except EngineError as error:
            refusal = str(error)
            if in_use not in refusal and time.monotonic() - start >= FIRST_ATTEMPT:
                raise
            return None
        return True

    if not until(attempt, timeout):
        raise OperationError(f"timeout while waiting for {what} to be removed ({timeout:g} s): {refusal}")
