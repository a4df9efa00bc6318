"""What a contender weighs: memory at rest, time to start, what abandoned sessions leave, how many it holds."""

import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass

from bench.bridge.contenders import BRIDGE, PEERS, Contender, Running, ours, running
from bench.bridge.race import Round, load

STARTS = 3
REST_SECONDS = 1.0
"""How long a contender is left alone before its memory counts as that at rest."""

ABANDONED = 2000
CROWD = 1000
IDLE_SECONDS = 2.0
"""After which our sessions expire here; twice as long, and all of them have."""


@dataclass(frozen=True)
class Weight:
    """Memory in MB, times in seconds, growth in kB a session."""

    name: str
    memory: float
    start: float


def weigh() -> list[Weight]:
    """Start everybody a few times, one at a time."""
    found = []
    for contender in (BRIDGE, *PEERS):
        memories, starts = [], []
        for _ in range(STARTS):
            with running(contender) as candidate:
                starts.append(candidate.start_seconds)
                time.sleep(REST_SECONDS)
                memories.append(candidate.memory())
        found.append(Weight(contender.name, statistics.median(memories), statistics.median(starts)))
    return found


def growth(contender: Contender, settle: Callable[[Running], None]) -> float:
    """Return the kB that each of the last abandoned sessions left behind, the first ones not counted."""
    with running(contender) as candidate:
        _abandon(candidate, settle)
        before = candidate.memory()
        _abandon(candidate, settle)
        return (candidate.memory() - before) * 1000 / ABANDONED


def _abandon(candidate: Running, settle: Callable[[Running], None]) -> None:
    for _ in range(ABANDONED):
        candidate.initialize()
    settle(candidate)


def growth_of_ours() -> tuple[float, float]:
    """Return the growth while sessions live, and after they have expired."""

    def expire(candidate: Running) -> None:
        time.sleep(IDLE_SECONDS * 2)
        candidate.initialize()

    expiring = Contender(name="expiring", command=ours("--session-seconds", str(IDLE_SECONDS)))
    return growth(BRIDGE, lambda _: None), growth(expiring, expire)


def crowd() -> tuple[Round, Round, float]:
    """Return 1,000 calls at a time, the same with 1,000 sessions whose streams are open, and the memory then."""
    with running(BRIDGE) as candidate:
        calls = load(candidate.address, CROWD, 2.0)
        sessions = load(candidate.address, CROWD, 2.0, "-own-sessions", "-streams")
        return calls, sessions, candidate.memory()
