"""Commands that change which servers a stack has: add and remove."""

from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Annotated

import typer

from fleet.errors import FleetError
from fleet.options import DEFAULT_STACK, Server, Stack

if TYPE_CHECKING:
    from fleet.servers import Change
    from stacks.config import ServerConfig


def add(
    source: Annotated[
        str,
        typer.Argument(
            help="A name in the catalog; pypi:NAME or npm:NAME, either with @VERSION and #command; ./path; "
            "oci:HOST/REPOSITORY:TAG of a container image; or https://HOST/PATH of a remote server."
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
    asked for those, and Pulumi encrypts them into the stack's file. A package gets its newest version pinned, an image
    its digest and what it starts by itself. Prints the line that was written. A source or an option that won't do, or a
    preview that fails, changes nothing. Known vulnerabilities of its packages are told of, and a malicious package is
    refused. A remote server is asked how it is, and refused where only a person can log in, or no MCP is served. All
    that a package installs is pinned, as by `fleet lock`, and then its tools are recorded, as by `fleet tools lock`.

    \b
    Examples:
      fleet add github
      fleet add redis --env REDIS_HOST=redis.example.com
      fleet add pypi:mcp-server-time
      fleet add npm:@modelcontextprotocol/server-filesystem --name files --arg /data --volume
      fleet add pypi:mcp-server-slack --secret SLACK_BOT_TOKEN
      fleet add oci:ghcr.io/github/github-mcp-server:v1.2.0 --secret GITHUB_PERSONAL_ACCESS_TOKEN
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
        recorded = dict(tools_recording.record_all(stack, [server]))
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
