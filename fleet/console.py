"""How commands speak: data to stdout, everything else to stderr, colour only on a terminal."""

import json
import sys
from collections.abc import Sequence
from dataclasses import dataclass

from rich.console import Console
from rich.table import Table
from rich.text import Text

PIPE_WIDTH = 10_000
"""Columns of a table that is piped: it is never cut or wrapped."""


@dataclass(frozen=True)
class Cell:
    """A cell of a table that has a colour on a terminal. Its text says the same without."""

    text: str
    style: str


def say(text: str) -> None:
    """Print a line of progress or advice to stderr."""
    print(text, file=sys.stderr, flush=True)


def show_json(value: object) -> None:
    """Print a value as JSON to stdout."""
    print(json.dumps(value, indent=2, ensure_ascii=False))


def show_table(header: Sequence[str], rows: Sequence[Sequence[str | Cell]]) -> None:
    """Print aligned columns to stdout: one row a line when piped, wrapped to its width on a terminal.

    An empty `header` prints none.
    """
    console = Console(soft_wrap=False, highlight=False, emoji=False)
    if not console.is_terminal:
        console = Console(width=PIPE_WIDTH, highlight=False, emoji=False)
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), show_header=bool(header), header_style="bold")
    for column in header or rows[0] if rows else header:
        table.add_column(str(column) if header else "", overflow="fold")
    for row in rows:
        table.add_row(*(Text(cell.text, cell.style) if isinstance(cell, Cell) else Text(cell) for cell in row))
    with console.capture() as printed:
        console.print(table)
    for line in printed.get().splitlines():
        print(line.rstrip())
