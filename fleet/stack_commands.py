"""Commands around what runs and who may use it: status, why, clients, connect, token."""

from typing import TYPE_CHECKING, Annotated

import typer

from fleet.options import DEFAULT_STACK, AsClient, AsJson, Client, OptionalClient, OptionalServer, Server, Stack

if TYPE_CHECKING:
    from fleet.why import Diagnosis


def status(
    as_json: Annotated[bool, typer.Option("--once", "--json", help="Print JSON.")] = False,
    stack: Stack = DEFAULT_STACK,
) -> None:
    """List what runs: health, replicas, URL.

    \b
    Examples:
      fleet status
      fleet status --once | jq -r '.servers[] | select(.health != "healthy")'
    """
    from fleet import status
    from fleet.console import show_json

    found = status.read(stack)
    if as_json:
        show_json(found.to_json())
    else:
        status.show(found)


def why(server: Server, as_json: AsJson = False, stack: Stack = DEFAULT_STACK) -> None:
    """Say why a server or component is not healthy.

    With what it said last and what to do about it. Exits with 0 if it is healthy, with 1 if not.

    \b
    Examples:
      fleet why time
      fleet why consul
    """
    from fleet import project, stack_engine, swarm, why
    from fleet.console import show_json

    root = project.directory()
    configured = project.servers_in(project.stack_file(root, stack))
    with stack_engine.opened(stack, root, project.environment()) as (api, exported):
        found = why.diagnose(api, exported, server, configured=configured)
    if as_json:
        show_json(found.to_json())
    else:
        tell(found)
    if found.health is not swarm.Health.HEALTHY:
        raise typer.Exit(1)


def clients(
    client: OptionalClient = None,
    program: Annotated[
        str, typer.Option("--for", help="claude-code, codex, cursor, vscode or windsurf.", metavar="PROGRAM")
    ] = "claude-code",
    local: Annotated[
        bool, typer.Option("--local", help="Servers that the program starts itself, over stdio, without the fleet.")
    ] = False,
    write: Annotated[
        bool, typer.Option("--write", help="Write the file where the program looks for it, and with --local .env.")
    ] = False,
    as_json: AsJson = False,
    stack: Stack = DEFAULT_STACK,
) -> None:
    """List the clients, or print a client program's file.

    It has the servers that the client may use, and a reference to MCP_FLEET_TOKEN in place of the key, as that program
    writes one.

    \b
    Examples:
      fleet clients
      fleet clients codex --for codex > .codex/config.toml
      fleet clients claude-code > .mcp.json
      export MCP_FLEET_TOKEN="$(fleet token codex)"
      fleet clients operator --local --write
    """
    from fleet import clients, outputs, project, stackfile
    from fleet.console import show_json, show_table

    root = project.directory()
    config = stackfile.checked(stackfile.read(project.existing_stack_file(root, stack)), stack, root)
    if client is not None:
        from fleet.client_files import Wanted, program_named, show, write_files

        chosen = program_named(program)
        urls = {} if local else outputs.read(stack, root, project.environment()).urls
        wanted = Wanted.local(config, client, root) if local else Wanted.by_url(config, client, urls)
        (write_files if write else show)(chosen, wanted)
        return
    summaries = {name: clients.summary(config, name) for name in clients.names(config)}
    if as_json:
        show_json(summaries)
        return
    rows = [
        (name, entry["tier"] or "", str(entry["rpm"] or "unlimited"), ", ".join(entry["servers"]))
        for name, entry in summaries.items()
    ]
    show_table(("CLIENT", "TIER", "REQUESTS/MINUTE", "SERVERS"), rows)


def connect(server: OptionalServer = None, client: AsClient = "operator", stack: Stack = DEFAULT_STACK) -> None:
    """Be a stdio server: one of the fleet, or all in one.

    For clients that speak only stdio. Without a name, the tools of all servers that the client may use are there as
    SERVER__TOOL; only tools are, and no server can ask back in the middle of a call. Takes the key out of
    MCP_FLEET_TOKEN if that is set, else out of the stack. Ends with its input.

    \b
    Examples:
      fleet connect time
      fleet connect --client codex
    """
    import os

    from fleet import outputs, project
    from fleet.clients import TOKEN_VARIABLE

    token = os.environ.get(TOKEN_VARIABLE, "")
    exported = outputs.read(stack, project.directory(), project.environment(), secrets=not token)
    if server is None:
        from fleet.connect_all import connect_all

        connect_all(exported.running(), token or exported.token(client))
    else:
        from fleet.connect import connect

        connect(exported.url(server), token or exported.token(client))


def token(client: Client, stack: Stack = DEFAULT_STACK) -> None:
    """Print the API key of a client, and nothing else.

    \b
    Examples:
      export MCP_FLEET_TOKEN="$(fleet token codex)"
    """
    from fleet import outputs, project

    exported = outputs.read(stack, project.directory(), project.environment(), secrets=True)
    typer.echo(exported.token(client))


def tell(found: "Diagnosis") -> None:
    """Print a diagnosis for people: what, why, then the evidence, then what to do."""
    from fleet import tool_differences

    typer.echo(f"{found.name} is {found.health}: {found.summary}")
    if found.reason:
        typer.echo(f"reason: {found.reason}")
    if found.update:
        typer.echo(f"update: {found.update}")
    if found.failures:
        typer.echo("failed attempts, the newest first:")
    for failure in found.failures:
        code = "" if failure.exit_code is None else f"  exit code {failure.exit_code}"
        times = "" if failure.attempts == 1 else f"  {failure.attempts} times"
        typer.echo(f"  {failure.time}{times}{code}  {failure.error}")
    if found.tools:
        typer.echo(tool_differences.sentence(found.tools))
    if found.check:
        typer.echo(f"health check: {found.check}")
    if found.log:
        typer.echo("log:")
    for line in found.log:
        typer.echo(f"  {line}")
    for advice in found.advice:
        typer.echo(f"next: {advice}")
