"""How many children fit into the container, and whether that is enough to give each session one of its own."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from mcp_bridge.core.profile import Profile

MEBIBYTE: Final = 1 << 20
RESERVED_BYTES: Final = 64 * MEBIBYTE
"""Kept for the bridge."""

GROWTH: Final = 1.25
"""What a child may need of what it needs when it is idle."""

SMALLEST_CHILD_BYTES: Final = 8 * MEBIBYTE
UNBOUNDED_CHILDREN: Final = 32
"""Children of sessions where no limit of memory says how many there may be."""

AUTO_CHILDREN: Final = 8
"""With room for fewer, sessions share: they would turn each other away."""


@dataclass(frozen=True)
class Choice:
    """Whether each session gets a child of its own, and why."""

    isolated: bool
    reason: str


Policy = Callable[[Profile, int], Choice]
"""Chooses by what a child said of itself, and by how many children there is room for."""


def always(_: Profile, room: int) -> Choice:
    """Isolate, as the command line says."""
    return Choice(True, f"--mode isolated, with room for {room}")


def by_declaration(profile: Profile, room: int) -> Choice:
    """Isolate where a server declares what the session revisions keep in a session, and there is room for it."""
    if profile.modern:
        return Choice(False, "the server is stateless")
    declared = [
        name
        for name, found in (
            ("logging", profile.declares("logging")),
            ("resources.subscribe", profile.declares("resources", "subscribe")),
        )
        if found
    ]
    if not declared:
        return Choice(False, "the server declares nothing that lives in a session")
    what = f"the server declares {' and '.join(declared)}, which live in a session"
    if room < AUTO_CHILDREN:
        return Choice(False, f"{what}, but the memory limit leaves room for {room} of {AUTO_CHILDREN} processes")
    return Choice(True, what)


def children_that_fit(limit_bytes: int | None, shared_bytes: int, workers: int) -> int:
    """Return how many children of sessions there may be.

    Arguments:
        limit_bytes: memory of the container, None where it is not limited.
        shared_bytes: what one child needs, as measured.
        workers: children that serve everybody.
    """
    if limit_bytes is None:
        return UNBOUNDED_CHILDREN
    child_bytes = max(int(shared_bytes * GROWTH), SMALLEST_CHILD_BYTES)
    return max(0, (limit_bytes - RESERVED_BYTES) // child_bytes - workers)


def group_bytes(leader: int) -> int:
    """Return the resident memory of a process group: a server's command is often a launcher of the server."""
    return sum(_resident(entry) for entry in Path("/proc").iterdir() if entry.name.isdigit() and _of(entry, leader))


def _of(entry: Path, leader: int) -> bool:
    try:
        fields = (entry / "stat").read_text().rpartition(")")[2].split()
    except OSError:
        return False
    return int(fields[2]) == leader


def _resident(entry: Path) -> int:
    try:
        lines = (entry / "status").read_text().splitlines()
    except OSError:
        return 0
    return sum(int(line.split()[1]) * 1024 for line in lines if line.startswith("VmRSS:"))
