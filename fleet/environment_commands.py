"""Commands around the environments of pull requests."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from fleet.errors import FleetError
from fleet.options import AsJson, Base

if TYPE_CHECKING:
    from fleet.environment import Machine

LIKE = "staging"

Number = Annotated[int, typer.Argument(help="The pull request.", min=1, metavar="NUMBER")]
Markdown = Annotated[Path | None, typer.Option(help="Write the comment to this file.", dir_okay=False, metavar="FILE")]

environment = typer.Typer(
    name="environment", help="Try a pull request's servers.", no_args_is_help=True, rich_markup_mode=None
)


@environment.callback()
def group() -> None:
    """Try a pull request's servers."""


@environment.command()
def up(
    number: Number,
    like: Annotated[
        str, typer.Option(help="The stack whose changed servers it gets.", metavar="STACK", show_default=True)
    ] = LIKE,
    base: Base = None,
    host: Annotated[str, typer.Option(help="This machine's name for clients.", metavar="NAME")] = "localhost",
    markdown: Markdown = None,
    as_json: AsJson = False,
) -> None:
    """Bring up a stack of its own for a pull request.

    The stack pr-NUMBER, on this machine's engine, with those servers of --like whose line or own code is another than
    in --base. Where none is, an environment that is there is destroyed. Prints the servers' URLs.

    \b
    Examples:
      fleet environment up 123
      fleet environment up 123 --base origin/main --host staging.example.com --markdown environment.md
    """
    from fleet import environment, environment_comment, git_base
    from fleet.console import say, show_json, show_table

    machine = _machine(host)
    against = git_base.find(machine.project, base)
    if against is None:
        raise FleetError("there is nothing to compare with: no main branch", hint="name one with --base")
    try:
        urls = environment.up(number, like, against, machine)
    except FleetError as error:
        _write(markdown, environment_comment.is_not_up(number, str(error)))
        raise
    _write(markdown, environment_comment.is_up(number, urls))
    if as_json:
        show_json(dict(urls))
    elif urls:
        show_table((), list(urls.items()))
    else:
        say(f"pull request {number} changes no server of {like!r}: it has no environment")


@environment.command()
def down(number: Number, markdown: Markdown = None) -> None:
    """Destroy a pull request's stack, with all its data.

    Its branch and its file are not needed. Does nothing where there is none.

    \b
    Examples:
      fleet environment down 123
    """
    from fleet import environment, environment_comment
    from fleet.console import say

    if environment.down(number, _machine("localhost")):
        say(f"the environment of pull request {number} is destroyed")
    else:
        say(f"pull request {number} has no environment")
    _write(markdown, environment_comment.is_down(number))


def _machine(host: str) -> "Machine":
    from fleet import project
    from fleet.environment import Machine

    return Machine(project=project.directory(), environment=project.environment(), host=host)


def _write(markdown: Path | None, comment: str) -> None:
    if markdown is not None:
        markdown.write_text(comment, encoding="utf-8")
