"""What is remembered, as the tools take it and return it."""

from dataclasses import dataclass


@dataclass(frozen=True)
class NewMemory:
    """A text to remember."""

    text: str
    tags: tuple[str, ...] = ()


@dataclass(frozen=True)
class Memory:
    """One memory. `created` and `updated` are ISO 8601 times in UTC."""

    id: int
    namespace: str
    text: str
    tags: list[str]
    created: str
    updated: str


@dataclass(frozen=True)
class Match:
    """A memory that a search found. `score` only ranks the matches of one search; more is better."""

    memory: Memory
    score: float


@dataclass(frozen=True)
class Page:
    """Some memories, the newest first. `total` is how many there are of the kind asked for."""

    memories: list[Memory]
    total: int


class UnknownMemoryError(LookupError):
    """There is no memory with this id."""
