"""Parts of a comment on GitHub: texts of others in which nothing is Markdown, and sections that fit into a limit."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

CELL = 300
"""Characters of a value at most: the whole of it is in the pull request or the engine's own preview."""
_SPECIAL = re.compile(r"([\\`*_{}\[\]<>()#+!|~@&])")


@dataclass(frozen=True, kw_only=True)
class Section:
    """A part of the comment: a title and what stands before, in and after its rows. Without rows it is left out.

    `elsewhere` is what shows the rows that don't fit.
    """

    title: str
    head: str = ""
    rows: Sequence[str]
    tail: str = ""
    elsewhere: str = "the engine's own preview"


def joined(opening: str, sections: Iterable[Section], limit: int) -> str:
    """Return the sections as one text of at most `limit` characters: of the later ones, the rows that still fit."""
    shown = [section for section in sections if section.rows]
    room = limit - len(opening) - sum(len(_rendered(section, 0)) for section in shown)
    parts = [opening]
    for section in shown:
        rows = _fitting(section.rows, room)
        room -= sum(len(row) + 1 for row in section.rows[:rows])
        parts.append(_rendered(section, rows))
    return "".join(parts)


def row(*cells: str) -> str:
    """A row of a table."""
    return f"| {' | '.join(cells)} |"


def code(text: str) -> str:
    """A text as code in a table's cell: nothing in it is Markdown, HTML, or a mention."""
    flat = _flat(text).replace("`", "'").replace("|", r"\|")
    return f"`{flat}`" if flat else ""


def plain(text: str) -> str:
    """A text as itself: nothing in it is Markdown, HTML, or a mention."""
    return _SPECIAL.sub(r"\\\1", _flat(text))


def fenced(text: str) -> str:
    """A line in a block of code, which it can't end."""
    return text.replace("```", "'''")


def cut(text: str, limit: int) -> str:
    """A text of at most so many characters."""
    return text if len(text) <= limit else f"{text[: limit - 1]}…"


def shortened(items: Sequence[str]) -> str:
    """Join what fits into a cell, whole items only; say how many more there are."""
    shown: list[str] = []
    for item in items:
        if shown and sum(map(len, shown)) + len(item) > CELL * 2:
            return f"{'; '.join(shown)}; and {len(items) - len(shown)} more"
        shown.append(item)
    return "; ".join(shown)


def counted(count: int, noun: str) -> str:
    """A number of things, or nothing."""
    return f"{count} {noun}{'' if count == 1 else 's'}" if count else ""


def _flat(text: str) -> str:
    return " ".join(cut(text, CELL).split())


def _fitting(rows: Sequence[str], room: int) -> int:
    """How many rows, from the first, fit into so many characters."""
    for number, line in enumerate(rows):
        room -= len(line) + 1
        if room < 0:
            return number
    return len(rows)


def _rendered(section: Section, shown: int) -> str:
    lines: Iterable[str] = (section.head, *section.rows[:shown], section.tail)
    left = len(section.rows) - shown
    more = f"\n{left} more: {section.elsewhere} shows them.\n" if left else ""
    return section.title + "".join(f"{line}\n" for line in lines if line) + more
