"""Asks on a terminal for what a new server needs and nobody has said yet."""

import sys
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import typer

if TYPE_CHECKING:
    from stacks.catalog_entry import Entry


def on_terminal() -> bool:
    """Whether somebody is there to answer."""
    return sys.stdin.isatty() and sys.stderr.isatty()


def plain_values(entry: "Entry", given: Mapping[str, str]) -> dict[str, str]:
    """Ask for the plain variables that the server of an entry needs, besides those that are given."""
    missing = [
        variable.name
        for variable in entry.variables
        if variable.is_required and not variable.is_secret and variable.default is None and variable.name not in given
    ]
    return {name: _ask(name, entry, hidden=False) for name in missing}


def secret_values(variables: Sequence[str], entry: "Entry | None") -> dict[str, str]:
    """Ask for secrets without showing what is typed. Those that are left empty are not in the result."""
    given = {name: _ask(name, entry, hidden=True) for name in variables}
    return {name: value for name, value in given.items() if value}


def _ask(name: str, entry: "Entry | None", *, hidden: bool) -> str:
    known = entry.variable(name) if entry else None
    if known is not None:
        example = f" For example {known.placeholder}" if known.placeholder else ""
        typer.echo(f"{known.description}{example}", err=True)
    while True:
        if hidden:
            text = f"{name} (hidden; empty to set it later)"
            value = str(typer.prompt(text, default="", show_default=False, hide_input=True, err=True)).strip()
        else:
            value = str(typer.prompt(name, err=True)).strip()
        if not value or entry is None or entry.fits(name, value):
            return value
        typer.echo(f"that has not the form of {name}: {entry.form(name)}", err=True)
