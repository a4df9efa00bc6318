"""`fleet sbom`: what servers' images are made of, in the form that other programs read."""

from pathlib import Path
from typing import Annotated

import typer

from fleet.options import DEFAULT_STACK, Stack, complete_servers


def sbom(
    servers: Annotated[
        list[str] | None,
        typer.Argument(
            help="Servers to list; all if left out.", autocompletion=complete_servers, metavar="[SERVER]..."
        ),
    ] = None,
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="Write it there.", metavar="FILE", dir_okay=False)
    ] = None,
    stack: Stack = DEFAULT_STACK,
) -> None:
    """List what servers' images are made of, as CycloneDX.

    Prints a software bill of materials, CycloneDX 1.6 in JSON: each server with its source and version, the packages
    that it installs with their hashes, Debian packages by name, the bridge with its own packages, and the base images
    by digest. It reads locks and asks nobody; the same inputs give the same bytes. A server without a lock has no bill.

    \b
    Examples:
      fleet sbom --stack prod --output sbom.json
      fleet sbom time | jq -r '.components[].purl // empty'
      fleet sbom | grype
    """
    from fleet import project, stackfile
    from fleet.console import say
    from fleet.errors import FleetError
    from fleet.sbom import Ground, bill_of_materials
    from stacks.image_reference import ImageReferenceError
    from stacks.images import read_images
    from stacks.problems import BadStackError

    root = project.directory()
    config = stackfile.read_config(stackfile.read(project.existing_stack_file(root, stack)), stack)
    stackfile.require_servers(config, stack, servers or ())
    try:
        ground = Ground.of(stack, root, read_images(root, project.environment()))
    except (BadStackError, ImageReferenceError) as error:
        raise FleetError(str(error)) from error
    text = bill_of_materials({name: config.servers[name] for name in servers or config.servers}, ground)
    if output is None:
        typer.echo(text, nl=False)
        return
    try:
        output.write_text(text, encoding="utf-8")
    except OSError as error:
        raise FleetError(f"{output} can't be written: {error.strerror}", hint="name another with --output") from error
    say(f"wrote {output}")
