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
    code names; its tools, for which it is built and run once, without network, with a dummy for each secret. Writes
    the version into its line, or into its entry of the catalog; its lock; and its tools into tools.lock.json.

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
    from fleet.tools_recording import Workshop
    from fleet.upgrade_proposal import markdown as markdown_of

    with TemporaryDirectory() as folder:
        workshop = Workshop(project=project.directory(), environment=project.environment(), locks=Path(folder))
        found = upgrades.propose(stack, servers or [], workshop)
        if found.proposals and not dry_run:
            upgrades.write(found, workshop, stack=stack)
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
        markdown.write_text(markdown_of(found.proposals), encoding="utf-8")
    if not found.proposals:
        say("nothing newer")
    elif not dry_run:
        files = ", ".join(str(file.relative_to(workshop.project)) for file in sorted(found.files))
        say(f"changed {files}. Next: fleet preview --stack {stack}")
