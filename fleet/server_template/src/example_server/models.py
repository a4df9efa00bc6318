"""What the tools return."""

from dataclasses import dataclass


@dataclass(frozen=True)
class WordCount:
    """A word, in small letters, and how often it occurs."""

    word: str
    times: int


@dataclass(frozen=True)
class TextCount:
    """What is in a text; `frequent` has the most frequent words, the most frequent first."""

    words: int
    lines: int
    frequent: list[WordCount]
