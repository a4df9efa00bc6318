"""What all commands share: how they end, which stack they work on, what the shell completes."""

import os
import sys
from pathlib import Path
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from dev.errors import EngineError
from fleet.errors import FleetError


class Commands(TyperGroup):
    """Ends a command that can't do its work with `error: …`, `hint: …` and exit code 1."""

    def invoke(self, ctx: Any) -> Any:  # noqa: ANN401 - as in the base class
        """Run the command that was named."""
        try:
            return super().invoke(ctx)
        except (FleetError, EngineError) as error:
            _label("error:", typer.colors.RED, str(error))
            if hint := getattr(error, "hint", None):
                _label("hint:", typer.colors.CYAN, hint)
            raise typer.Exit(1) from error


def _label(label: str, colour: str, text: str) -> None:
    # Nothing but a terminal gets colour, and that only if its user did not switch it off: https://no-color.org
    coloured = sys.stderr.isatty() and not os.environ.get("NO_COLOR")
    typer.echo(f"{typer.style(label, fg=colour, bold=True) if coloured else label} {text}", err=True)


def change_directory(directory: Path | None) -> None:
    """Work in another folder, as the option -C of git and Pulumi does."""
    if directory is not None:
        os.chdir(directory)


def _stacks(incomplete: str) -> list[str]:
    from fleet import project

    return [name for name in project.stacks(project.directory()) if name.startswith(incomplete)]


def complete_servers(ctx: typer.Context, incomplete: str) -> list[str]:
    """The servers of the stack at hand whose names begin so."""
    from fleet import project

    file = project.stack_file(project.directory(), ctx.params.get("stack") or DEFAULT_STACK)
    return [name for name in project.servers_in(file) if name.startswith(incomplete)]


def _clients(ctx: typer.Context, incomplete: str) -> list[str]:
    from fleet import project
    from fleet.clients import OPERATOR

    file = project.stack_file(project.directory(), ctx.params.get("stack") or DEFAULT_STACK)
    return [name for name in (OPERATOR, *project.clients_in(file)) if name.startswith(incomplete)]


DEFAULT_STACK = "dev"

Directory = Annotated[
    Path | None,
    typer.Option(
        "--cwd",
        "-C",
        help="Work as if started in this folder. By default the project that the working directory is in, "
        "else the one that this program belongs to.",
        exists=True,
        file_okay=False,
        metavar="FOLDER",
    ),
]
Stack = Annotated[
    str,
    typer.Option(
        "--stack", "-s", envvar="PULUMI_STACK", help="The stack to work on.", autocompletion=_stacks, metavar="STACK"
    ),
]
Server = Annotated[
    str, typer.Argument(help="A server of the stack.", autocompletion=complete_servers, metavar="SERVER")
]
OptionalServer = Annotated[
    str | None,
    typer.Argument(
        help="A server of the stack; all of them, if left out.", autocompletion=complete_servers, metavar="[SERVER]"
    ),
]
Client = Annotated[str, typer.Argument(help="A client of the stack.", autocompletion=_clients, metavar="CLIENT")]
OptionalClient = Annotated[
    str | None, typer.Argument(help="A client of the stack.", autocompletion=_clients, metavar="CLIENT")
]
AsClient = Annotated[
    str,
    typer.Option("--client", help="Whose key and rights to use.", autocompletion=_clients, metavar="CLIENT"),
]
Base = Annotated[
    str | None,
    typer.Option(
        help="The branch or commit that the change is based on, by default origin/main, else main.", metavar="REVISION"
    ),
]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]
