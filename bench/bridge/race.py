"""The race: calls of all contenders, side by side in one run, repetitions interleaved, medians."""

import json
import statistics
import subprocess
import sys
from contextlib import ExitStack
from dataclasses import dataclass

from bench.bridge import installation
from bench.bridge.contenders import BRIDGE, FLOOR, PEERS, Contender, free_port, running

CONNECTIONS = (1, 16, 64)
REPETITIONS = 5
SETTLE_SECONDS = 60.0


@dataclass(frozen=True)
class Point:
    """Median figures of one contender at one number of connections.

    Attributes:
        rate: Right answers a second.
        processor: Microseconds of processor time that the bridge used for each call, its child's not among them.
        p50: Median latency, in milliseconds.
        p99: Latency of all but one in a hundred, in milliseconds.
        failed: Answers that were wrong or never came, of all repetitions.
    """

    rate: float
    processor: float
    p50: float
    p99: float
    failed: int


@dataclass(frozen=True)
class Round:
    """What one run of the load client found."""

    calls: int
    wrong: int
    errors: int
    seconds: float
    p50_ms: float
    p99_ms: float
    first_error: str

    @property
    def rate(self) -> float:
        """Right answers a second."""
        return (self.calls - self.wrong - self.errors) / self.seconds


def load(address: str, connections: int, seconds: float, *options: str) -> Round:
    """Run the load client once."""
    program = str(installation.load_client())
    command = [program, "-address", address, "-connections", str(connections), "-length", f"{seconds}s", *options]
    found = subprocess.run(command, capture_output=True, text=True, timeout=seconds + SETTLE_SECONDS, check=False)
    if found.returncode != 0:
        return Round(0, 0, connections, seconds, 0.0, 0.0, found.stderr.strip())
    return Round(**json.loads(found.stdout))


def race(seconds: float, *, modern: bool) -> dict[str, dict[int, Point]]:
    """Let all contenders that serve an era run against each other; name → connections → figures."""
    with ExitStack() as stack:
        taking_part = []
        for contender in (BRIDGE, FLOOR, *PEERS):
            candidate = stack.enter_context(running(contender))
            tried = load(candidate.address, 1, 0.3, *_options(contender, modern=modern))
            if tried.calls and not tried.wrong and not tried.errors:
                taking_part.append(candidate)
            else:
                print(f"{contender.name} does not serve this era: {tried.first_error[:120]}", file=sys.stderr)
        rounds: dict[tuple[str, int], list[tuple[Round, float]]] = {}
        for repetition in range(REPETITIONS):
            for connections in CONNECTIONS:
                # Each time another one begins, so that nobody always runs after the same other.
                for candidate in taking_part[repetition:] + taking_part[:repetition]:
                    options = _options(candidate.contender, modern=modern)
                    before = candidate.processor()
                    found = load(candidate.address, connections, seconds, *options)
                    used = (candidate.processor() - before) * 1e6 / max(found.calls, 1)
                    rounds.setdefault((candidate.contender.name, connections), []).append((found, used))
    return {
        candidate.contender.name: {
            connections: _median(rounds[candidate.contender.name, connections]) for connections in CONNECTIONS
        }
        for candidate in taking_part
    }


def _options(contender: Contender, *, modern: bool) -> tuple[str, ...]:
    if not modern:
        return ()
    return ("-modern", "-lax") if contender is FLOOR else ("-modern",)


def _median(rounds: list[tuple[Round, float]]) -> Point:
    return Point(
        rate=statistics.median(found.rate for found, _ in rounds),
        processor=statistics.median(used for _, used in rounds),
        p50=statistics.median(found.p50_ms for found, _ in rounds),
        p99=statistics.median(found.p99_ms for found, _ in rounds),
        failed=sum(found.wrong + found.errors for found, _ in rounds),
    )


def ceiling(seconds: float) -> dict[int, float]:
    """Return what the load client itself can do, against a server that does nothing but answer."""
    address = f"127.0.0.1:{free_port()}"
    server = subprocess.Popen([str(installation.load_client()), "-serve", "-address", address])
    try:
        while load(address, 1, 0.01).errors:
            pass
        return {connections: load(address, connections, seconds).rate for connections in CONNECTIONS}
    finally:
        server.terminate()
        server.wait()
