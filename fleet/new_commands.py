"""The command that makes a server of one's own."""

from typing import Annotated

import typer

from fleet.options import DEFAULT_STACK, Stack


def new(
    name: Annotated[str, typer.Argument(help="Its name: small letters, digits, hyphens.", metavar="NAME")],
    stack: Stack = DEFAULT_STACK,
) -> None:
    """Make a server of your own, with tests, and add its line.

    It is in servers/NAME and runs as it is. Prints the line that was added to the stack's file. A name that won't do
    changes nothing.

    \b
    Examples:
      fleet new slack-digest
    """
    from fleet import new_server, project
    from fleet.console import say

    change = new_server.new_server(name, project=project.directory(), stack=stack, environment=project.environment())
    typer.echo(change.line)
    say(f"made servers/{name}, and added it to {change.file.name}. Next:")
    say(f"  dev/python -m pytest servers/{name}")
    say("  bin/fleet up" if stack == DEFAULT_STACK else f"  pulumi up -s {stack}")
    say(f'  bin/fleet call {name} count_words \'{{"text": "to be or not to be"}}\'')
    say(f"  bin/fleet tools lock {name}   # before it goes to review")
