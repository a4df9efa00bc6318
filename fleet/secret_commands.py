"""Commands around the secrets of a stack."""

import os
from typing import TYPE_CHECKING, Annotated

import typer

from fleet.options import DEFAULT_STACK, AsJson, Stack

if TYPE_CHECKING:
    from fleet.stack_secrets import Secret

STALE_DAYS = 90

secrets = typer.Typer(name="secrets", help="See which secrets are set.", no_args_is_help=True, rich_markup_mode=None)


@secrets.callback()
def group() -> None:
    """See which secrets are set."""


@secrets.command()
def check(
    stale_after: Annotated[
        int, typer.Option(help="Days after which a value counts as stale.", min=1, metavar="DAYS")
    ] = STALE_DAYS,
    as_json: AsJson = False,
    stack: Stack = DEFAULT_STACK,
) -> None:
    """List each server's secrets: present, missing, unused or stale.

    Never their values: of the stack's file nothing is decrypted, of an environment of Pulumi ESC the names are kept.
    Exits with 0 if all are present, with 1 if not.

    \b
    missing  the server's line names it, and it is not set: previews fail
    unused   it is set, and no server's line names it
    stale    its value is older than --stale-after: in the stack's file by git's history, in ESC by the environment's
             newest revision, unless it comes from elsewhere

    \b
    ESC is opened with the token in PULUMI_ACCESS_TOKEN; for a stack with `environment:`, in PULUMI_ORGANIZATION.

    \b
    Examples:
      fleet secrets check
      fleet secrets check --stack staging --stale-after 30
      fleet secrets check --json | jq -r '.[] | select(.state == "missing") | .variable'
    """
    from datetime import UTC, datetime, timedelta

    from fleet import project, stack_secrets
    from fleet.console import show_json

    file = project.existing_stack_file(project.directory(), stack)
    oldest = datetime.now(UTC) - timedelta(days=stale_after)
    found = stack_secrets.read(stack, file, oldest=oldest, environment=os.environ)
    if as_json:
        show_json([secret.to_json() for secret in found])
    else:
        _show(found)
    if any(secret.state is not stack_secrets.State.PRESENT for secret in found):
        raise typer.Exit(1)


def _show(found: "tuple[Secret, ...]") -> None:
    from fleet.console import Cell, say, show_table
    from fleet.stack_secrets import State

    if not found:
        say("no server of this stack has secrets")
        return
    styles = {State.PRESENT: "green", State.MISSING: "red", State.UNUSED: "yellow", State.STALE: "yellow"}
    rows = [
        (
            secret.server,
            secret.variable,
            Cell(secret.state, styles[secret.state]),
            secret.kept,
            f"{secret.changed:%Y-%m-%d}" if secret.changed else "",
            secret.advice,
        )
        for secret in found
    ]
    show_table(("SERVER", "SECRET", "STATE", "KEPT IN", "WRITTEN", "NEXT"), rows)
