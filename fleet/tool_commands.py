"""Commands around the tools that servers offer: what is recorded of them, and whether that is what will run."""

from typing import Annotated

import typer

from fleet.options import DEFAULT_STACK, AsJson, Stack, complete_servers

tools = typer.Typer(name="tools", help="Record which tools servers offer.", no_args_is_help=True, rich_markup_mode=None)


@tools.callback()
def group() -> None:
    """Record which tools servers offer."""


@tools.command()
def lock(
    servers: Annotated[
        list[str] | None,
        typer.Argument(
            help="Servers to record; those that are not recorded for their line, if left out.",
            autocompletion=complete_servers,
            metavar="[SERVER]...",
        ),
    ] = None,
    stack: Stack = DEFAULT_STACK,
) -> None:
    """Record the tools of servers in tools.lock.json.

    Builds each server's image as `up` does and runs it once, without network, with its arguments and plain variables
    and a dummy for each secret. What no stack's line needs any more is dropped. Review and commit the file: previews
    compare it with the one before.

    \b
    Examples:
      fleet tools lock
      fleet tools lock time --stack staging
    """
    from fleet import tools_recording
    from fleet.console import say
    from fleet.markdown import counted

    recorded = 0
    for name, count in tools_recording.record_all(stack, servers or None):
        say(f"{name}: {counted(count, 'tool') or 'no tool'}")
        recorded += 1
    if not recorded:
        say(f"all servers of stack {stack!r} are recorded for their lines")


@tools.command()
def check(as_json: AsJson = False, stack: Stack = DEFAULT_STACK) -> None:
    """Say of each server whether its tools are recorded for its line.

    Exits with 0 if all are, with 1 if not. Nothing is started.

    \b
    Examples:
      fleet tools check --stack staging
      fleet tools check --json | jq -r '.[] | select(.unrecorded) | .server'
    """
    from fleet import project, stackfile, tools_lock
    from fleet.console import Cell, show_json, show_table
    from stacks.recorded_tools import code, unrecorded

    root = project.directory()
    config = stackfile.read_config(stackfile.read(project.existing_stack_file(root, stack)), stack)
    recorded = tools_lock.read(root)
    found = {
        name: unrecorded(name, server, recorded, code(server, root)) for name, server in sorted(config.servers.items())
    }
    if as_json:
        show_json([{"server": name, "unrecorded": reason or None} for name, reason in found.items()])
    else:
        rows = [
            (
                name,
                Cell("not recorded", "red") if reason else Cell("recorded", "green"),
                f"{reason}: fleet tools lock {name} --stack {stack}" if reason else "",
            )
            for name, reason in found.items()
        ]
        show_table(("SERVER", "TOOLS", "WHY, AND NEXT"), rows)
    if any(found.values()):
        raise typer.Exit(1)
