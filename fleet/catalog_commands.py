"""Commands around the catalog: what there is, and what one of it needs."""

import json
from typing import TYPE_CHECKING, Annotated

import typer

from fleet.errors import FleetError
from fleet.options import AsJson

if TYPE_CHECKING:
    from stacks.catalog_entry import Entry, Variable

catalog = typer.Typer(
    name="catalog", help="Find servers that can be added by name.", no_args_is_help=True, rich_markup_mode=None
)


def _names(incomplete: str) -> list[str]:
    from stacks.catalog import names

    return [name for name in names() if name.startswith(incomplete)]


@catalog.callback()
def group() -> None:
    """Find servers that can be added by name."""


@catalog.command()
def search(
    words: Annotated[list[str] | None, typer.Argument(help="Words to look for; all servers without any.")] = None,
    as_json: AsJson = False,
) -> None:
    """List the servers of the catalog in which all of the words occur.

    Exits with 1 if there is none.

    \b
    Examples:
      fleet catalog search
      fleet catalog search database
      fleet catalog search vector search --json
    """
    from fleet.console import show_json, show_table
    from fleet.sources import catalog_entry
    from stacks.catalog import names

    wanted = [word.lower() for word in words or ()]
    entries = [catalog_entry(name) for name in names()]
    found = [entry for entry in entries if all(word in _text(entry) for word in wanted)]
    if not found:
        raise FleetError(
            f"no server of the catalog has to do with {' '.join(wanted)!r}",
            hint="`fleet catalog search` lists all; what is not there: fleet add pypi:NAME or npm:NAME",
        )
    if as_json:
        show_json([_summary(entry) for entry in found])
    else:
        rows = [(entry.label, _origin(entry), entry.description) for entry in found]
        show_table(("NAME", "BY", "WHAT IT DOES"), rows)


@catalog.command()
def show(
    name: Annotated[str, typer.Argument(help="A server of the catalog.", autocompletion=_names, metavar="NAME")],
    as_json: AsJson = False,
) -> None:
    """Show what a server of the catalog is, what it needs, and what to know about it.

    With --json its whole entry, in the MCP registry's server.json format.

    \b
    Examples:
      fleet catalog show github
      fleet catalog show github --json | jq '.packages[0].environmentVariables'
    """
    from fleet.console import show_json, show_table
    from fleet.sources import catalog_entry
    from stacks.catalog import FOLDER

    entry = catalog_entry(name.removeprefix("catalog:"))
    if as_json:
        show_json(json.loads((FOLDER / f"{entry.label}.json").read_text(encoding="utf-8")))
        return
    about = entry.description
    typer.echo(f"{about if about.startswith(entry.title) else f'{entry.title}: {about}'}\n")
    show_table((), _facts(entry))
    if entry.variables:
        typer.echo()
        header = ("VARIABLE", "KIND", "WITHOUT IT", "WHAT FOR")
        show_table(header, [_variable_row(variable) for variable in entry.variables])
    if not entry.extension.people_only:
        typer.echo(f"\nfleet add {entry.label}")


def _text(entry: "Entry") -> str:
    return " ".join((entry.label, entry.title, entry.description, entry.source)).lower()


def _server(entry: "Entry") -> str:
    """What `fleet add` calls its server."""
    from fleet.sources import Request, server_name

    return server_name(Request(kind="catalog", name=entry.label))


def _origin(entry: "Entry") -> str:
    return f"{entry.extension.origin}, archived" if entry.extension.archived else entry.extension.origin


def _summary(entry: "Entry") -> dict[str, object]:
    return {
        "name": entry.label,
        "title": entry.title,
        "description": entry.description,
        "source": entry.source,
        "origin": entry.extension.origin,
        "archived": entry.extension.archived,
        "license": entry.extension.license,
        "access": entry.extension.access,
    }


def _facts(entry: "Entry") -> list[tuple[str, str]]:
    extension = entry.extension
    call = extension.health_call
    facts = {
        "source": entry.source,
        "by": _origin(entry),
        "licence": extension.license,
        "home": entry.website_url or f"{entry.source}/README.md",
        "can": "read" if extension.access == "read-only" else "read and write",
        "reaches": ", ".join(extension.egress) or "nothing outside",
        "keeps": "its files in a volume of its own" if extension.volume else "",
        "memory": extension.memory,
        "for": "people who log in, each in their own client; no fleet can use it" if extension.people_only else "",
        "starts only with": extension.starts_only_with or "",
        "note": extension.notes or "",
        "try": f"fleet call {_server(entry)} {call.shell_words}" if call else "",
    }
    return [(what, fact) for what, fact in facts.items() if fact]


def _variable_row(variable: "Variable") -> tuple[str, str, str, str]:
    without = "it does not work" if variable.is_required else ""
    if variable.default is not None:
        without = variable.default
    choices = f" One of {', '.join(variable.choices)}." if variable.choices else ""
    example = f" For example {variable.placeholder}" if variable.placeholder else ""
    kind = "secret" if variable.is_secret else "plain"
    return variable.name, kind, without, variable.description + choices + example
