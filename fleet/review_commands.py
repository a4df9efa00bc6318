"""Commands for the review of a change: preview."""

from pathlib import Path
from typing import Annotated

import typer

from fleet.options import DEFAULT_STACK, AsJson, Stack


def preview(
    markdown: Annotated[
        Path | None, typer.Option(help="Write the comment to this file.", dir_okay=False, metavar="FILE")
    ] = None,
    as_json: AsJson = False,
    stack: Stack = DEFAULT_STACK,
) -> None:
    """Preview a stack for its reviewers, as Markdown.

    Servers that come, change and go; policies broken; secrets to set; data that would go; errors. The comment is
    written whatever the preview found, in at most 63,000 characters. Exits with 0 if the stack may be deployed so, with
    1 if not.

    \b
    Examples:
      fleet preview
      fleet preview --stack staging --markdown comment.md
      fleet preview --json | jq .servers
    """
    from fleet import preview_comment, project
    from fleet.console import show_json
    from fleet.preview import read

    found = read(stack, project.directory(), project.environment())
    comment = preview_comment.markdown(found)
    if markdown is not None:
        markdown.write_text(comment, encoding="utf-8")
    if as_json:
        show_json(found.to_json())
    elif markdown is None:
        typer.echo(comment, nl=False)
    if not found.may_go:
        raise typer.Exit(1)
