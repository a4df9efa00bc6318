"""`fleet lock`: what servers' packages install, by hash."""

from dataclasses import replace
from typing import TYPE_CHECKING, Annotated

import typer

from fleet.errors import FleetError
from fleet.options import DEFAULT_STACK, Stack, complete_servers

if TYPE_CHECKING:
    from fleet.package_locking import Locked
    from fleet.servers import Change


def lock(
    servers: Annotated[
        list[str] | None,
        typer.Argument(
            help="Servers to lock anew; those without a lock for their line, if left out.",
            autocompletion=complete_servers,
            metavar="[SERVER]...",
        ),
    ] = None,
    catalog: Annotated[bool, typer.Option("--catalog", help="Lock what the catalog has, in place of a stack.")] = False,
    stack: Stack = DEFAULT_STACK,
) -> None:
    """Pin all that the packages of servers install, by hash.

    Writes locks/, a folder for each version of a package, for all stacks: commit it. Images are built from it, so that
    they get the files that were there now, or none. Asks the registries of packages; installs and runs nothing. Locks
    that neither a stack nor the catalog needs any more are dropped.

    \b
    Examples:
      fleet lock
      fleet lock time --stack prod
    """
    from fleet import package_locking, project
    from fleet.console import say

    if catalog and servers:
        raise typer.BadParameter("name servers of a stack, or use --catalog", param_hint="SERVER")
    made = package_locking.lock_catalog() if catalog else package_locking.lock_servers(stack, servers or [])
    for name, locked in made.items():
        _tell(name, locked)
    if not made:
        say("every package has a lock for its line")
    for folder in package_locking.drop_unneeded(project.directory()):
        say(f"dropped {folder}, which no line needs")


def lock_added(change: "Change") -> "Change":
    """Pin what the package of a server that is added installs. Returns the change with the lock's folder.

    What keeps that from being done keeps nobody from adding it: where a stack requires locks, its preview does.
    """
    from fleet import package_locking, project
    from fleet.console import say
    from stacks.package_locks import existing_lock, lock_folder
    from stacks.source import NpmSource, PypiSource

    root, server = project.directory(), change.config
    if server is None or not isinstance(server.source, PypiSource | NpmSource) or existing_lock(server.source, root):
        return change
    try:
        locked = package_locking.lock(change.server, server, root, project.environment())
    except FleetError as error:
        say(f"what it installs is not locked: {error}")
        say(f"  then: fleet lock {change.server}")
        return change
    _tell(change.server, locked)
    return replace(change, lock=root / lock_folder(server.source))


def _tell(name: str, locked: "Locked") -> None:
    from fleet.console import say
    from fleet.markdown import counted

    say(f"{name}: {counted(locked.packages, 'package')} in {locked.file}; commit it")
    for note in locked.notes:
        say(f"  {note}")
