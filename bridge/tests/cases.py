"""Property-based tests: few cases in the ordinary run, as many as BRIDGE_CASES says in a longer one."""

import os
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings

CASES = int(os.environ.get("BRIDGE_CASES", "60"))
FUZZERS = 4
"""How many fuzzers share the cases below."""

HOSTILE = [
    pytest.param(2_000 // FUZZERS, marks=pytest.mark.timeout(120)),
    pytest.param(100_000 // FUZZERS, marks=[pytest.mark.long, pytest.mark.timeout(3600)]),
]
"""Cases of each fuzzer over real connections and pipes: in `make test`, and in `make test-long`."""


def cases(*strategies: Any, count: int = CASES, **named: Any) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """`hypothesis.given`, with a number of cases, and without a deadline that a busy machine would miss."""
    checks = [HealthCheck.too_slow]
    given_ = given(*strategies, **named)
    return lambda test: settings(max_examples=count, deadline=None, suppress_health_check=checks)(given_(test))
