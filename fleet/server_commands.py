"""Commands around one server: add, remove, call."""

import json
import sys
from collections.abc import Mapping
from dataclasses import replace
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated

import typer

from fleet.errors import FleetError
from fleet.options import DEFAULT_STACK, AsClient, AsJson, Server, Stack, complete_servers

if TYPE_CHECKING:
    from fleet.calls import Endpoint
    from fleet.servers import Change
    from stacks.config import ServerConfig


class EraOption(StrEnum):
    """The values of --era; see fleet.calls.Era, which takes long to import."""

    AUTO = "auto"
    MODERN = "modern"
    LEGACY = "legacy"


def add(
    source: Annotated[
        str,
        typer.Argument(
            help="A name in the catalog; pypi:NAME or npm:NAME, either with @VERSION and #command; ./path; "
            "or https://HOST/PATH of a remote server."
        ),
    ],
    name: Annotated[str | None, typer.Option(help="The server's name, by default out of the package's.")] = None,
    arg: Annotated[list[str] | None, typer.Option(help="An argument of its command; repeat for more.")] = None,
    env: Annotated[
        list[str] | None, typer.Option(help="An environment variable; repeat for more.", metavar="NAME=VALUE")
    ] = None,
    secret: Annotated[
        list[str] | None, typer.Option(help="A secret variable that it needs; repeat for more.", metavar="NAME")
    ] = None,
    header: Annotated[
        list[str] | None,
        typer.Option(
            help="What a remote server is sent; {NAME} is the secret NAME; repeat for more.", metavar="NAME=VALUE"
        ),
    ] = None,
    package: Annotated[list[str] | None, typer.Option(help="A Debian package that its image needs.")] = None,
    constraint: Annotated[
        list[str] | None, typer.Option(help="A version constraint on a dependency, such as 'pydantic<2.12'.")
    ] = None,
    volume: Annotated[bool, typer.Option("--volume", help="Give it a volume of its own at /data.")] = False,
    no_preview: Annotated[bool, typer.Option("--no-preview", help="Write the line without a preview.")] = False,
    strict: Annotated[
        bool, typer.Option("--strict", help="Refuse it also with severe vulnerabilities, or if none can be looked up.")
    ] = False,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Deploy it right after the preview.")] = False,
    stack: Stack = DEFAULT_STACK,
) -> None:
    """Add a server to the stack's file, and preview that.

    A server of the catalog (see `fleet catalog search`) brings what it needs but its secrets; on a terminal you are
    asked for those, and Pulumi encrypts them into the stack's file. A package gets its newest version pinned. Prints
    the line that was written. A source or an option that won't do, or a preview that fails, changes nothing.
    Known vulnerabilities of its packages are told of, and a malicious package is refused. A remote server is asked how
    it is, and refused where only a person can log in, or no MCP is served. All that a package installs is pinned, as by
    `fleet lock`, and then its tools are recorded, as by `fleet tools lock`.

    \b
    Examples:
      fleet add github
      fleet add redis --env REDIS_HOST=redis.example.com
      fleet add pypi:mcp-server-time
      fleet add npm:@modelcontextprotocol/server-filesystem --name files --arg /data --volume
      fleet add pypi:mcp-server-slack --secret SLACK_BOT_TOKEN
      fleet add https://mcp.linear.app/mcp --header 'Authorization=Bearer {LINEAR_API_KEY}'
      fleet add ./servers/notes --volume --env NOTES_DIRECTORY=/data --yes
    """
    from fleet import project, questions, servers
    from fleet.lock_commands import lock_added

    asks = questions.on_terminal() and not yes
    addition = servers.Addition(
        source=source,
        name=name,
        args=arg or (),
        env=dict(_assignment(text, "--env") for text in env or ()),
        secrets=secret or (),
        headers=dict(_assignment(text, "--header") for text in header or ()),
        packages=package or (),
        constraints=constraint or (),
        volume=volume,
    )
    root, environment = project.directory(), project.environment()
    if asks and (entry := addition.in_catalog()) is not None:
        addition = replace(addition, env={**addition.env, **questions.plain_values(entry, addition.env)})
    change = servers.adding(addition, project=root, stack=stack, environment=environment)
    if change.config is not None:
        _look_for_vulnerabilities(change.server, change.config, strict=strict)
    if change.config is not None and change.config.remote and change.entry is None:
        _look_at_remote(change.config)
    given = questions.secret_values(change.unset, change.entry) if asks else {}
    change = lock_added(change)
    _apply(change, stack, preview=not no_preview, yes=yes, secrets=given)
    _record(change.server, stack)


def remove(
    server: Server,
    no_preview: Annotated[bool, typer.Option("--no-preview", help="Take the line out without a preview.")] = False,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Deploy that right after the preview.")] = False,
    stack: Stack = DEFAULT_STACK,
) -> None:
    """Remove a server from the stack's file, and preview that.

    Prints the line that was taken out.

    \b
    Examples:
      fleet remove time
      fleet remove time --yes
    """
    from fleet import project, servers

    change = servers.removing(server, project=project.directory(), stack=stack)
    _apply(change, stack, preview=not no_preview, yes=yes)


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


def _apply(change: "Change", stack: str, *, preview: bool, yes: bool, secrets: Mapping[str, str] | None = None) -> None:
    """Write a change, preview it, and deploy it if asked to; a preview that fails puts the file back.

    Args:
        secrets: values of secrets to set with it.
    """
    from fleet import deployment, project, stack_secrets
    from fleet.console import say

    root, environment = project.directory(), project.environment()
    change.write()
    try:
        for variable, value in (secrets or {}).items():
            deployment.set_secret(change.server, variable, value, stack=stack, project=root, environment=environment)
    except BaseException:
        change.undo()
        raise
    if unset := [variable for variable in change.unset if variable not in (secrets or {})]:
        typer.echo(change.line)
        say(f"written to {change.file.name}. Next, set what it needs, then bring it up:")
        for variable in unset:
            say(f"  {stack_secrets.set_secret(change.server, variable, stack)}")
        say(f"  pulumi up -s {stack}")
        return
    if preview:
        try:
            previewed = deployment.preview(stack, root, environment)
        except BaseException:
            change.undo()
            raise
        if not previewed:
            change.undo()
            raise FleetError(
                f"the preview failed, so {change.file.name} was left as it was",
                hint="the reason stands above; --no-preview changes the file all the same",
            )
    typer.echo(change.line)
    if not yes:
        say(f"changed {change.file.name}. Next:\n  pulumi up -s {stack}")
        return
    try:
        deployment.up(stack, root, environment)
    except FleetError as error:
        raise FleetError(f"{error}; {change.file.name} stays changed", hint=error.hint) from error


def _look_for_vulnerabilities(name: str, server: "ServerConfig", *, strict: bool) -> None:
    """Tell of what is known. Raises FleetError where the server must not be added."""
    from fleet import project
    from fleet.console import say
    from fleet.osv import Severity
    from fleet.vulnerabilities import report

    found = report({name: server}, project.directory(), project.environment())
    for line in (*(each.text for each in found.findings), *found.unknown):
        say(line)
    if found.malicious:
        raise FleetError(f"{found.malicious[0].package} is malicious, by OSV", hint="choose another server or version")
    if strict and (found.at_least(Severity.HIGH) or found.unknown):
        raise FleetError(f"{name} is not added, as --strict asks: see above", hint="choose another version")


def _look_at_remote(server: "ServerConfig") -> None:
    """Tell what a remote server asks for. Raises FleetError where it can't be served."""
    from fleet.console import say
    from fleet.remote_probe import probe

    if said := probe(str(server.source), server.headers):
        say(said)


def _record(server: str, stack: str) -> None:
    """Record the tools of a server that was added. What keeps that from being done keeps nobody from adding it."""
    from fleet import tools_recording
    from fleet.console import say
    from fleet.markdown import counted

    try:
        recorded = tools_recording.record_all(stack, [server])
    except FleetError as error:
        say(f"its tools are not recorded: {error}")
        say(f"  then: fleet tools lock {server} --stack {stack}")
    else:
        say(f"recorded in tools.lock.json: {counted(recorded[server], 'tool') or 'no tool'}; commit it too")


def _assignment(text: str, option: str) -> tuple[str, str]:
    name, equals, value = text.partition("=")
    if not name or not equals:
        raise typer.BadParameter(f"{text!r} is no NAME=VALUE", param_hint=option)
    return name, value


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
