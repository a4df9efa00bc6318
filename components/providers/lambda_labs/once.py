"""Make something that has no tags exactly once: its name has a mark that nothing else has."""

from collections.abc import Callable
from typing import TypeVar

from .api import LambdaLabs
from .client import UnansweredError
from .termination import look_again

T = TypeVar("T")
ATTEMPTS = 3


def made_once(api: LambdaLabs, find: Callable[[], T | None], make: Callable[[], T]) -> T:
    """Return what `find` finds, or else what `make` makes; without an answer, `find` tells whether it was made.

    Raises:
        ProviderError: It was refused, or there was no answer again and again.
    """
    for attempt in range(1, ATTEMPTS + 1):
        if found := find():
            return found
        try:
            return make()
        except UnansweredError:
            if attempt == ATTEMPTS:
                raise
            look_again(api)
    raise AssertionError("the last attempt returns or raises")
