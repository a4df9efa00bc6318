"""Commands around the review of a change, and what runs after it: preview, comment, deploy, drift, destroy."""

import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from fleet.errors import FleetError
from fleet.options import DEFAULT_STACK, AsJson, Base, Stack

if TYPE_CHECKING:
    from fleet.preview import Preview
    from fleet.preview_plan import Plan

TOKEN_VARIABLE = "GITHUB_TOKEN"  # noqa: S105 - a variable's name


def preview(
    markdown: Annotated[
        Path | None, typer.Option(help="Write the comment to this file.", dir_okay=False, metavar="FILE")
    ] = None,
    plan: Annotated[
        Path | None, typer.Option(help="Write what would be done, for `fleet deploy`.", dir_okay=False, metavar="FILE")
    ] = None,
    base: Base = None,
    as_json: AsJson = False,
    stack: Stack = DEFAULT_STACK,
) -> None:
    """Preview a stack for its reviewers, as Markdown.

    Servers that come, change and go; policies broken; secrets to set; data that would go; errors. Against --base also
    the tools that appear, disappear or change, and what a month costs. The comment is
    written whatever the preview found, in at most 63,000 characters. Exits with 0 if the stack may be deployed so, with
    1 if not.

    \b
    Examples:
      fleet preview
      fleet preview --stack staging --markdown comment.md --plan plan.json
      fleet preview --json | jq .servers
    """
    from fleet import git_base, preview_comment, preview_plan, project
    from fleet.console import show_json
    from fleet.preview import read

    root = project.directory()
    found = read(stack, root, project.environment(), git_base.find(root, base))
    comment = preview_comment.markdown(found)
    if markdown is not None:
        markdown.write_text(comment, encoding="utf-8")
    if plan is not None and found.may_go:
        preview_plan.write(found.plan, plan)
    if as_json:
        show_json(found.to_json())
    elif markdown is None:
        typer.echo(comment, nl=False)
    if not found.may_go:
        raise typer.Exit(1)


def cost(base: Base = None, as_json: AsJson = False, stack: Stack = DEFAULT_STACK) -> None:
    """Say what a stack's machines cost in a month.

    By host group and by server, whose share is by its limits; before, in the base, and now. From a table of published
    prices, fleet/prices.json: what is not in it is unknown. A stack on this machine costs nothing.

    \b
    Examples:
      fleet cost --stack prod
      fleet cost --stack prod --base origin/main --json | jq .after.total
    """
    from datetime import UTC, datetime

    from fleet import comparison, cost_comment, git_base, project
    from fleet.console import say, show_json, show_table

    root = project.directory()
    project.existing_stack_file(root, stack)
    found = comparison.costs_of(stack, root, git_base.find(root, base), datetime.now(UTC).date())
    if as_json:
        show_json(found.to_json())
        return
    paid, shares = list(cost_comment.paid(found)), list(cost_comment.shares(found))
    if not paid:
        say(f"stack {stack!r} runs on this machine, and costs nothing by itself")
        return
    show_table(("DOLLARS A MONTH", "", "BEFORE", "AFTER", "DIFFERENCE"), paid)
    if shares:
        typer.echo()
        show_table(("SHARE OF A SERVER", "", "BEFORE", "AFTER", "DIFFERENCE"), shares)
    for note in cost_comment.notes(found):
        say(note.replace("*", ""))


def comment(
    repository: Annotated[str, typer.Option(help="The repository on GitHub.", metavar="OWNER/NAME")],
    pull_request: Annotated[int, typer.Option(help="The pull request.", min=1, metavar="NUMBER")],
    markdown: Annotated[Path, typer.Option(help="What `fleet preview` wrote.", dir_okay=False, metavar="FILE")],
    run: Annotated[str, typer.Option(help="Where to read on if there is no such file.", metavar="URL")] = "",
    api: Annotated[str, typer.Option(help="GitHub's API.", envvar="GITHUB_API_URL")] = "https://api.github.com",
    stack: Stack = DEFAULT_STACK,
) -> None:
    """Put a preview into its pull request, as one comment.

    The comment of an earlier run is edited in place. Without the file it says that the preview did not come so far. The
    variable GITHUB_TOKEN holds the token, which needs `pull-requests: write`.

    \b
    Examples:
      fleet comment --repository acme/fleet --pull-request 7 --markdown comment.md --stack staging
    """
    from fleet.preview_comment import marker, without_preview
    from fleet.pull_request import PullRequest, keep_comment

    token = os.environ.get(TOKEN_VARIABLE)
    if not token:
        raise FleetError(f"{TOKEN_VARIABLE} is not set", hint="in a workflow: GITHUB_TOKEN: ${{ github.token }}")
    request = PullRequest(repository=repository, number=pull_request, token=token, api=api)
    text = markdown.read_text(encoding="utf-8") if markdown.is_file() else without_preview(stack, run)
    if not text.startswith(marker(stack)):
        raise FleetError(f"{markdown} is no preview of stack {stack!r}", hint="`fleet preview --markdown` writes one")
    typer.echo(keep_comment(request, marker(stack), text))


def deploy(
    plan: Annotated[
        Path | None, typer.Option(help="Do what this file says and nothing else.", dir_okay=False, metavar="FILE")
    ] = None,
    stack: Stack = DEFAULT_STACK,
) -> None:
    """Deploy a stack as it was reviewed.

    On an engine that is up: `fleet engine` sees to that. With a plan, of `fleet preview --plan`, the stack is previewed
    again, and refused where it would not do the same. In any case what breaks a policy is refused.

    \b
    Examples:
      fleet deploy --stack staging --plan plan.json
    """
    from fleet import deployment, preview_plan, project
    from fleet.preview import read

    root, environment = project.directory(), project.environment()
    if plan is not None:
        reviewed = preview_plan.read(plan)
        _hold_to(reviewed, read(stack, root, environment))
    deployment.up(stack, root, environment)


def drift(stack: Stack = DEFAULT_STACK) -> None:
    """Say what was changed by hand, past Pulumi.

    Exits with 0 if nothing was, with 1 if something was. Changes nothing.

    \b
    Examples:
      fleet drift --stack prod
    """
    from fleet import deployment, project

    if not deployment.unchanged(stack, project.directory(), project.environment()):
        raise FleetError(
            f"stack {stack!r} is not what was deployed, or could not be looked at",
            hint=f"the reason stands above; `pulumi up --refresh -s {stack}` puts it back",
        )


def destroy(
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask for its name.")] = False,
    stack: Stack = DEFAULT_STACK,
) -> None:
    """Destroy a stack, and leave the engine.

    Its name has to be typed, or --yes be given. Its file and its history stay. A stack with protected resources, as
    prod is, is refused before anything is done. `fleet down` takes an engine of this machine down too.

    On machines in a cloud, whatever an interrupted run left there goes too, and hosts that are dead are no obstacle.

    \b
    Examples:
      fleet destroy --stack staging --yes
    """
    from fleet import deployment, project

    if not yes and typer.prompt(_confirmation(stack), err=True) != stack:
        raise FleetError(f"nothing was destroyed: that is not the name of stack {stack!r}")
    deployment.destroy(stack, project.directory(), project.environment())


def _confirmation(stack: str) -> str:
    return f"All of stack {stack!r} goes. Type its name, or give --yes"


def _hold_to(reviewed: "Plan", found: "Preview") -> None:
    from fleet.preview_plan import deviations

    differences = list(deviations(reviewed, found.plan))
    if not found.may_go:
        differences += found.errors or ("it breaks a policy, or lacks a secret: see `fleet preview`",)
    if differences:
        told = "\n".join(f"  {difference}" for difference in differences)
        raise FleetError(
            f"stack {found.stack!r} would not become what was reviewed; nothing was done:\n{told}",
            hint="preview and review it again",
        )
