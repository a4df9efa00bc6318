"""`fleet upgrade`: newer versions of servers' packages, as a change to review."""

from pathlib import Path
from typing import Annotated

import typer

from fleet.options import DEFAULT_STACK, AsJson, Stack, complete_servers


def upgrade(
    servers: Annotated[
        list[str] | None,
        typer.Argument(
            help="Servers to upgrade; all if left out.", autocompletion=complete_servers, metavar="[SERVER]..."
        ),
    ] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say what would change; write nothing.")] = False,
    markdown: Annotated[
        Path | None, typer.Option(help="Write what changes as Markdown, for a pull request.", metavar="FILE")
    ] = None,
    as_json: AsJson = False,
    stack: Stack = DEFAULT_STACK,
) -> None:
    """Put newer versions of packages into the stack's file.

    Says of each what changes with it: the packages that it installs, by its lock; the variables and hosts that its own
    code names. Writes the version into its line, and its lock; then record and compare its tools with
    `fleet tools lock`. Nothing of the packages is run. A server of the catalog has the version of its entry.

    \b
    Examples:
      fleet upgrade --dry-run
      fleet upgrade time --stack staging
      fleet upgrade --json | jq -r '.proposals[].source'
    """
    from tempfile import TemporaryDirectory

    from fleet import project
    from fleet import upgrade as upgrades
    from fleet.console import say, show_json, show_table

    root, environment = project.directory(), project.environment()
    with TemporaryDirectory() as folder:
        locks = Path(folder)
        found = upgrades.propose(stack, servers or [], locks, project=root, environment=environment)
        if found.proposals and not dry_run:
            upgrades.write(found, locks, stack=stack, project=root)
    if as_json:
        proposals = [proposal.to_json() for proposal in found.proposals.values()]
        show_json({"proposals": proposals, "skipped": dict(found.skipped)})
    elif found.proposals:
        rows = [
            (name, what, how)
            for name, proposal in found.proposals.items()
            for what, how in (("version", f"{proposal.before} to {proposal.after}"), *proposal.lines())
        ]
        show_table(("SERVER", "WHAT", "CHANGES"), rows)
    for name, why in found.skipped.items():
        say(f"{name}: {why}")
    if markdown is not None:
        markdown.write_text(upgrades.markdown(found), encoding="utf-8")
    if not found.proposals:
        say("nothing newer")
    elif not dry_run:
        say(f"changed Pulumi.{stack}.yaml. Next: fleet tools lock --stack {stack}, then fleet preview --stack {stack}")
