"""What the tools return."""

from dataclasses import dataclass
from typing import Literal

Kind = Literal["standard", "decision"]


@dataclass(frozen=True)
class Document:
    """What a document is about. `path` names it to read_document; a decision is what lies in a folder of decisions."""

    path: str
    title: str
    kind: Kind
    summary: str


@dataclass(frozen=True)
class Documents:
    """Some documents, by their paths; `total` is how many there are of the kind asked for."""

    documents: list[Document]
    total: int


@dataclass(frozen=True)
class Text:
    """Lines of a document, from `first_line` on, counted from 1; `more` is how many follow."""

    path: str
    title: str
    first_line: int
    text: str
    more: int


@dataclass(frozen=True)
class Match:
    """A document in which all words occur; in `excerpt` they stand in **stars**."""

    path: str
    title: str
    kind: Kind
    excerpt: str


@dataclass(frozen=True)
class Found:
    """What a search found, the best match first."""

    matches: list[Match]
