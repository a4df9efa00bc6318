"""What a change does to the tools that servers offer, from what is recorded before and after it. Pure."""

import difflib
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from stacks import recorded_tools
from stacks.config import StackConfig
from stacks.recorded_tools import Lock, Surface, Tool, unrecorded

CONTEXT_WORDS = 8
"""Words that are shown before and after those that changed."""
_HIDDEN = re.compile(r"[\ufe00-\ufe0f\U000e0100-\U000e01ef]")
"""Variation selectors: printable by Unicode, and seen by nobody but a model."""


class Kind(StrEnum):
    """What happens to a tool."""

    APPEARS = "appears"
    DISAPPEARS = "disappears"
    CHANGED = "changed"


@dataclass(frozen=True, kw_only=True)
class ToolChange:
    """A tool that comes, changes or goes.

    Attributes:
        description: its words, as lines of a diff; empty where they are the same.
        definition_changed: whether its schema, or anything else but name and description, is another.
    """

    tool: str
    kind: Kind
    description: Sequence[str] = ()
    definition_changed: bool = False


@dataclass(frozen=True, kw_only=True)
class ServerTools:
    """The tools of one server.

    Attributes:
        unrecorded: why nothing is known of them; empty where they are recorded.
        changes: what changes against the version before; nothing where either is not known.
    """

    server: str
    unrecorded: str = ""
    changes: tuple[ToolChange, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Recorded:
    """A configuration with the lock that goes with it."""

    config: StackConfig
    lock: Lock


def review(before: Recorded | None, after: Recorded, code: Mapping[str, str]) -> tuple[ServerTools, ...]:
    """Return the servers whose tools change, or are not recorded.

    Args:
        before: None where there is nothing to compare with.
        code: hash of the own code of each server that has some.
    """
    found = (_server(name, before, after, code.get(name, "")) for name in sorted(after.config.servers))
    return tuple(server for server in found if server.unrecorded or server.changes)


def _server(name: str, before: Recorded | None, after: Recorded, code: str) -> ServerTools:
    server = after.config.servers[name]
    if reason := unrecorded(name, server, after.lock, code):
        return ServerTools(server=name, unrecorded=reason)
    if before is None:
        return ServerTools(server=name)
    then = _recorded_before(name, before)
    now = after.lock.surface(name, recorded_tools.line(server))
    return ServerTools(server=name, changes=tuple(changes(_tools(then), _tools(now))))


def _recorded_before(name: str, before: Recorded) -> Surface | None:
    """What was recorded for a server's line; where its entry of the catalog was another, the one that was there."""
    if (old := before.config.servers.get(name)) is None:
        return None
    known = before.lock.servers.get(name, ())
    return before.lock.surface(name, recorded_tools.line(old)) or (known[0] if len(known) == 1 else None)


def _tools(surface: Surface | None) -> Mapping[str, Tool]:
    return surface.tools if surface else {}


def changes(before: Mapping[str, Tool], after: Mapping[str, Tool]) -> Iterator[ToolChange]:
    """Yield what happens to tools between two states of a server, by their names."""
    for name in sorted(before.keys() | after.keys()):
        old, new = before.get(name), after.get(name)
        if old is None and new is not None:
            yield ToolChange(tool=name, kind=Kind.APPEARS, description=tuple(words_diff("", new.description)))
        elif new is None:
            yield ToolChange(tool=name, kind=Kind.DISAPPEARS)
        elif old is not None and old != new:
            yield ToolChange(
                tool=name,
                kind=Kind.CHANGED,
                description=tuple(words_diff(old.description, new.description)),
                definition_changed=old.definition != new.definition,
            )


def words_diff(before: str, after: str) -> Iterator[str]:
    """Yield a description's words as lines of a diff: what went with `-`, what came with `+`, some around it with two
    spaces. What a reader would not see is written as `\\u{…}`."""
    if before == after:
        return
    old, new = visible(before).split(), visible(after).split()
    if old == new:
        yield "! other spaces or line breaks"
    for tag, first, last, start, end in difflib.SequenceMatcher(None, old, new, autojunk=False).get_opcodes():
        if tag == "equal":
            yield from _context(old[first:last], begins=first == start == 0, ends=(last, end) == (len(old), len(new)))
        if tag in ("delete", "replace"):
            yield f"- {' '.join(old[first:last])}"
        if tag in ("insert", "replace"):
            yield f"+ {' '.join(new[start:end])}"


def _context(words: Sequence[str], *, begins: bool, ends: bool) -> Iterator[str]:
    if begins and ends:
        return
    head = [] if begins else list(words[:CONTEXT_WORDS])
    tail = [] if ends else list(words[-CONTEXT_WORDS:])
    if len(head) + len(tail) >= len(words) and head and tail:
        yield f"  {' '.join(words)}"
        return
    if head:
        yield f"  {' '.join(head)}{' …' if len(words) > len(head) else ''}"
    if tail:
        yield f"  {'… ' if len(words) > len(tail) else ''}{' '.join(tail)}"


def visible(text: str) -> str:
    """Return a text in which each character that a reader would not see is written out."""
    return "".join(
        f"\\u{{{ord(char):x}}}" if _HIDDEN.match(char) or not (char.isprintable() or char in "\n\t\r") else char
        for char in text
    )
