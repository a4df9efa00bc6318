"""`python -m bench.memory`: how long ai-memory searches, cached and not, and how fast it stores; prints Markdown.

The real server is called over stdin and stdout by the official client, one call after the other, before a real
PostgreSQL with pgvector. Memories and queries are made of words that a seed picks, some of them rare, as words are.
"""

import asyncio
import os
import platform
import random
import statistics
import sys
import time
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path
from typing import Final

from mcp import Client, StdioServerParameters

from tests.postgres_server import PostgresServer, postgres_server

MEMORIES: Final = 1_000
AT_ONCE: Final = 500
WORDS: Final = 5_000
STOP_WORDS: Final = 100
QUERIES: Final = 500
SYLLABLES: Final = (
    "ba",
    "ce",
    "di",
    "fo",
    "gu",
    "ka",
    "le",
    "mi",
    "no",
    "pu",
    "ra",
    "se",
    "ti",
    "vo",
    "xu",
    "zen",
    "tor",
)
SOURCES: Final = ("servers/ai_memory/src", "chassis/src")


def vocabulary(dice: random.Random) -> list[str]:
    """Return words of two to five syllables."""
    return ["".join(dice.choices(SYLLABLES, k=dice.randint(2, 5))) for _ in range(WORDS)]


def texts(dice: random.Random, words: list[str], count: int, length: tuple[int, int]) -> Iterator[str]:
    """Yield texts of so many words, by Zipf's law without its most frequent words: those are no search terms."""
    weights = [1 / (STOP_WORDS + rank) for rank in range(1, len(words) + 1)]
    for _ in range(count):
        yield " ".join(dice.choices(words, weights, k=dice.randint(*length)))


async def measured(queries: list[str], search: Callable[[str], Awaitable[None]]) -> list[float]:
    """Return how many milliseconds each search took."""
    taken = []
    for query in queries:
        started = time.perf_counter()
        await search(query)
        taken.append((time.perf_counter() - started) * 1000)
    return taken


def row(what: str, taken: list[float], goal: str) -> str:
    """Return a row of the table."""
    percentiles = statistics.quantiles(taken, n=100)
    return f"| {what} | {percentiles[49]:.1f} ms | {percentiles[98]:.1f} ms | {goal} |"


async def race(server: PostgresServer) -> None:
    """Store, search, search again, and print."""
    dice = random.Random(6)  # noqa: S311 - the same texts each time
    words = vocabulary(dice)
    root = Path(__file__).parents[1]
    environment = {
        "DATABASE_URL": server.dsn(),
        "PYTHONPATH": os.pathsep.join(str(root / source) for source in SOURCES),
        "PATH": os.environ["PATH"],
        "MCP_LOG_LEVEL": "warning",
    }
    command = StdioServerParameters(command=sys.executable, args=["-m", "ai_memory"], env=environment)
    async with Client(command, mode="2026-07-28") as client:

        async def call(tool: str, **arguments: object) -> None:
            result = await client.call_tool(tool, arguments)
            if result.is_error:
                sys.exit(f"{tool}: {result.content}")

        async def search(query: str) -> None:
            await call("search_memories", query=query)

        memories = [{"text": text} for text in texts(dice, words, MEMORIES, (8, 40))]
        started = time.perf_counter()
        for first in range(0, MEMORIES, AT_ONCE):
            await call("store_memories", memories=memories[first : first + AT_ONCE])
        stored = MEMORIES / (time.perf_counter() - started)
        # As its autovacuum does within a minute.
        await asyncio.to_thread(server.execute, "ANALYZE")
        queries = list(dict.fromkeys(texts(dice, words, QUERIES, (3, 6))))
        await search("warm")
        first_time, again = await measured(queries, search), await measured(queries, search)
    print(f"{os.cpu_count()} cores, {platform.system()} {platform.release()}, Python {platform.python_version()}\n")
    print(f"| search among {MEMORIES:,} memories | p50 | p99 | goal |\n|---|---|---|---|")
    print(row("not asked before", first_time, "200 ms"))
    print(row("asked before, nothing changed since", again, "50 ms"))
    print(f"\nStored: {stored:.0f} memories a second, {AT_ONCE} a call.")


def main() -> None:
    """Measure and print."""
    with postgres_server() as server:
        asyncio.run(race(server))


if __name__ == "__main__":
    main()
