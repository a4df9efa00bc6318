"""Property-based tests: few cases in the ordinary run, as many as BRIDGE_CASES says in a longer one."""

import os
from collections.abc import Callable
from typing import Any

from hypothesis import given, settings

CASES = int(os.environ.get("BRIDGE_CASES", "60"))


def cases(*strategies: Any, **named: Any) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """`hypothesis.given`, with a number of cases, and without a deadline that a busy machine would miss."""
    return lambda test: settings(max_examples=CASES, deadline=None)(given(*strategies, **named)(test))
