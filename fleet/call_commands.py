"""Commands that call servers' tools: call and check."""

import json
import sys
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated

import typer

from fleet.errors import FleetError
from fleet.options import DEFAULT_STACK, AsClient, AsJson, Server, Stack, complete_servers

if TYPE_CHECKING:
    from fleet.calls import Endpoint


class EraOption(StrEnum):
    """The values of --era; see fleet.calls.Era, which takes long to import."""

    AUTO = "auto"
    MODERN = "modern"
    LEGACY = "legacy"


def call(
    server: Server,
    tool: Annotated[str | None, typer.Argument(help="The tool to call.", metavar="TOOL")] = None,
    arguments: Annotated[
        str, typer.Argument(help="Its arguments as a JSON object; - reads them from stdin.", metavar="JSON")
    ] = "{}",
    list_them: Annotated[bool, typer.Option("--list", "-l", help="List the tools, one a line.")] = False,
    client: AsClient = "operator",
    era: Annotated[EraOption, typer.Option(help="Which protocol to speak.")] = EraOption.AUTO,
    timeout: Annotated[float, typer.Option(help="Seconds to wait for an answer.", min=0.1)] = 60.0,
    as_json: AsJson = False,
    stack: Stack = DEFAULT_STACK,
) -> None:
    """Call a tool of a server, or list its tools.

    Goes through the gateway, as any client does. Prints the result to stdout; where the tool fails, its words go to
    stderr and the exit code is 1.

    \b
    Examples:
      fleet call time --list
      fleet call time get_current_time '{"timezone":"UTC"}'
      fleet call time get_current_time '{"timezone":"UTC"}' --client codex --era legacy --json
    """
    if list_them == (tool is not None):
        raise typer.BadParameter("name a tool, or use --list", param_hint="TOOL")
    given = _arguments(arguments)

    from concurrent.futures import ThreadPoolExecutor

    from fleet import outputs, project

    with ThreadPoolExecutor(1) as pool:
        reading = pool.submit(outputs.read, stack, project.directory(), project.environment(), secrets=True)
        # Importing the SDK takes as long as Pulumi takes to answer.
        from fleet import calls
    exported = reading.result()
    endpoint = calls.Endpoint(
        server=server,
        url=exported.url(server),
        token=exported.token(client),
        era=calls.Era(era.value),
        seconds=timeout,
    )
    if tool is None:
        _list_tools(endpoint, as_json=as_json)
    else:
        _call_tool(endpoint, tool, given, as_json=as_json)


def check(
    server: Annotated[
        list[str] | None,
        typer.Argument(help="The servers to call; all without any.", autocompletion=complete_servers, metavar="SERVER"),
    ] = None,
    client: AsClient = "operator",
    timeout: Annotated[float, typer.Option(help="Seconds to wait for each answer.", min=0.1)] = 60.0,
    as_json: AsJson = False,
    stack: Stack = DEFAULT_STACK,
) -> None:
    """Say which servers are configured well.

    That a server runs does not tell whether its credentials are good. Makes the health call of each server's catalog
    entry, which is cheap and changes nothing. Exits with 1 if one failed. What was answered is not shown: it may have
    values in it.

    \b
    Examples:
      fleet check
      fleet check github slack
    """
    from fleet import console, health_calls, outputs, project, stackfile

    root = project.directory()
    config = stackfile.read_config(stackfile.read(project.existing_stack_file(root, stack)), stack)
    wanted = health_calls.chosen(server or (), config.servers)
    exported = outputs.read(stack, root, project.environment(), secrets=True)
    findings = health_calls.check(wanted, exported, client, timeout)
    if as_json:
        console.show_json({finding.server: finding.to_json() for finding in findings})
    else:
        rows = [(finding.server, finding.configured, finding.note) for finding in findings]
        console.show_table(("SERVER", "CONFIGURED", "NOTE"), rows)
    if not health_calls.all_known_are_configured(findings):
        raise typer.Exit(1)


def _list_tools(endpoint: "Endpoint", *, as_json: bool) -> None:
    from fleet import calls, console

    tools = calls.list_tools(endpoint)
    if as_json:
        console.show_json([tool.model_dump(mode="json", by_alias=True, exclude_none=True) for tool in tools])
    else:
        console.show_table((), [(tool.name, _first_line(tool.description)) for tool in tools])


def _call_tool(endpoint: "Endpoint", tool: str, arguments: dict[str, object], *, as_json: bool) -> None:
    from fleet import calls, console

    result = calls.call_tool(endpoint, tool, arguments)
    if result.is_error:
        said = "\n".join(calls.texts(result)) or "failed without a word"
        raise FleetError(f"{endpoint.server} {tool}: {said}")
    if as_json:
        console.show_json(calls.structured(result))
    elif result.content:
        typer.echo("\n".join(calls.texts(result)))
    elif result.structured_content is not None:
        console.show_json(result.structured_content)


def _arguments(text: str) -> dict[str, object]:
    try:
        given = json.loads(sys.stdin.read() if text == "-" else text)
    except ValueError as error:
        raise typer.BadParameter(f"no valid JSON: {error}", param_hint="JSON") from error
    if not isinstance(given, dict):
        raise typer.BadParameter('a tool takes a JSON object, such as \'{"timezone": "UTC"}\'', param_hint="JSON")
    return given


def _first_line(text: str | None) -> str:
    return next((line.strip() for line in (text or "").splitlines() if line.strip()), "")
