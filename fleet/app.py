"""`fleet`: all commands under one name. What they do is imported when they run: `fleet --help` must not wait for it."""

import typer

from fleet import (
    call_commands,
    catalog_commands,
    engine_commands,
    environment_commands,
    lock_commands,
    new_commands,
    review_commands,
    sbom_commands,
    secret_commands,
    server_commands,
    stack_commands,
    tool_commands,
    upgrade_commands,
    vulnerability_commands,
)
from fleet.options import Commands, Directory, change_directory

app = typer.Typer(
    cls=Commands,
    no_args_is_help=True,
    # Plain help: rich alone would take half of the time that `fleet --help` takes.
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
)


@app.callback()
def fleet(directory: Directory = None) -> None:
    """MCP servers out of lines of stack config: bring them up, add some, call their tools, see how they are.

    \b
    Start with:
      fleet up
      fleet status
      fleet call time get_current_time '{"timezone":"UTC"}'
      fleet add pypi:mcp-server-calculator
    """
    change_directory(directory)


for command in (
    engine_commands.up,
    stack_commands.status,
    stack_commands.why,
    call_commands.call,
    call_commands.check,
    server_commands.add,
    server_commands.remove,
    new_commands.new,
    lock_commands.lock,
    upgrade_commands.upgrade,
    review_commands.preview,
    review_commands.cost,
    vulnerability_commands.vulnerabilities,
    sbom_commands.sbom,
    review_commands.comment,
    review_commands.deploy,
    review_commands.drift,
    review_commands.destroy,
    stack_commands.clients,
    stack_commands.connect,
    stack_commands.token,
    engine_commands.down,
    engine_commands.clean,
    engine_commands.engine,
    engine_commands.env,
    engine_commands.doctor,
):
    app.command()(command)

app.add_typer(catalog_commands.catalog)
app.add_typer(secret_commands.secrets)
app.add_typer(tool_commands.tools)
app.add_typer(environment_commands.environment)
