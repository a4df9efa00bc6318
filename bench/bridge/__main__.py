"""`make bench-bridge`: the bridge, its peers and its floor before the same child; prints Markdown.

SECONDS in the environment is the length of each repetition at each point (1).
"""

import os
import platform
import subprocess

from bench.bridge import installation, race, weight
from bench.bridge.contenders import BRIDGE, FLOOR, PEERS
from bench.bridge.race import CONNECTIONS, Point

SECONDS = float(os.environ.get("SECONDS", "1"))
P50_MILLISECONDS = 0.2
Table = dict[str, dict[int, Point]]


def print_race(title: str, found: Table) -> None:
    """Print one era's table: calls a second, p50 / p99 in ms."""
    print(f"\n### {title}\n")
    columns = [*(f"{number} at a time" for number in CONNECTIONS), "processor µs a call", "failed"]
    print(f"| calls/s, p50 / p99 ms | {' | '.join(columns)} |\n|---|---|---|---|---|---|")
    for name, points in found.items():
        cells = [f"{points[at].rate:,.0f}, {points[at].p50:.2f} / {points[at].p99:.2f}" for at in CONNECTIONS]
        used = " / ".join(f"{points[at].processor:.0f}" for at in CONNECTIONS)
        print(f"| {name} | {' | '.join(cells)} | {used} | {sum(point.failed for point in points.values())} |")
    print_goals(found)


def print_goals(found: Table) -> None:
    """Print how we stand against the best peer that answers correctly, against the floor, and against all by p99."""
    correct = [peer.name for peer in PEERS if peer.correct and peer.name in found]
    everybody = [peer.name for peer in PEERS if peer.name in found]
    print("\n| goal | " + " | ".join(str(number) for number in CONNECTIONS) + " |\n|---|---|---|---|")
    mine, floor = found[BRIDGE.name], found[FLOOR.name]
    times = [mine[at].rate / max(found[name][at].rate for name in correct) for at in CONNECTIONS]
    cells = [_judged(value, goal) for value, goal in zip(times, (3.0, 5.0, 5.0), strict=True)]
    print(f"| times the best correct peer (3, 5, 5) | {' | '.join(cells)} |")
    quick = mine[1].p50 < P50_MILLISECONDS
    print(f"| p50 under 0.2 ms | {mine[1].p50:.2f}: {'met' if quick else 'missed'} | | |")
    below = [mine[at].p99 < min(found[name][at].p99 for name in everybody) for at in CONNECTIONS]
    print(f"| p99 below every peer's | {' | '.join('met' if value else 'missed' for value in below)} |")
    shares = [mine[at].p50 / floor[at].p50 for at in CONNECTIONS]
    print(f"| p50 over the floor's (1.4 at 1) | {' | '.join(f'{value:.2f}' for value in shares)} |")


def _judged(value: float, goal: float) -> str:
    return f"{value:.1f}: {'met' if value >= goal else 'missed'}"


def _python() -> str:
    return subprocess.run([installation.interpreter(), "-V"], capture_output=True, text=True, check=True).stdout.strip()


def main() -> None:
    """Measure and print."""
    print(f"{os.cpu_count()} cores, load {os.getloadavg()[0]:.1f} at the start, ", end="")
    print(f"{platform.system()} {platform.release()}, {_python()}, {SECONDS:g} s a point")
    most = race.ceiling(SECONDS)
    print("\nThe load client alone: " + ", ".join(f"{rate:,.0f} calls/s at {at}" for at, rate in most.items()))
    print_race("A session of 2025-06-18, shared by all connections", race.race(SECONDS, modern=False))
    print_race("2026-07-28", race.race(SECONDS, modern=True))
    print("\n| | memory at rest, MB | first good initialize, s |\n|---|---|---|")
    for found in weight.weigh():
        print(f"| {found.name} | {found.memory:.0f} | {found.start:.2f} |")
    alive, expired = weight.growth_of_ours()
    print(f"\nGrowth of mcp-bridge for each abandoned session: {alive:.1f} kB while it lives, {expired:.1f} kB after.")
    calls, sessions, memory = weight.crowd()
    print(
        f"1,000 calls at a time: {calls.calls:,} calls, {calls.wrong + calls.errors} failed, p99 {calls.p99_ms:.0f} ms."
    )
    failed = sessions.wrong + sessions.errors
    print(f"1,000 sessions with open streams: {sessions.calls:,} calls, {failed} failed; {memory:.0f} MB then.")
    print(f"load {os.getloadavg()[0]:.1f} at the end")


if __name__ == "__main__":
    main()
