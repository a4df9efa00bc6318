"""Commands around the engine and the whole stack: up, down, clean, engine, env, doctor."""

import typer

from fleet.options import DEFAULT_STACK, AsJson, Stack


def up(stack: Stack = DEFAULT_STACK) -> None:
    """Bring the engine and a stack up.

    What is up already is left as it is, what a killed `up` left behind is put right. Ends with a table of the servers:
    their health where they run on this machine, else their URLs.

    \b
    Examples:
      fleet up
      fleet up --stack staging
    """
    from dev import lifecycle
    from fleet import outputs, project, stackfile, status
    from fleet.console import show_table
    from fleet.failure_hints import explained

    root = project.directory()
    with explained(stack):
        lifecycle.up(stack, root)
    if stackfile.runs_elsewhere(project.stack_file(root, stack)):
        show_table(("SERVER", "URL"), sorted(outputs.read(stack, root, project.environment()).urls.items()))
        return
    now = status.read(stack)
    status.show(now)
    status.show_next(now)


def down(stack: Stack = DEFAULT_STACK) -> None:
    """Destroy a stack, and stop an engine of ours.

    An engine that other stacks still run on is left running. Downloads and caches are kept: see `fleet clean`.

    \b
    Examples:
      fleet down
    """
    from dev import lifecycle
    from fleet import project
    from fleet.failure_hints import explained

    with explained(stack):
        lifecycle.down(stack, project.directory())


def clean() -> None:
    """Take the dev stack down and remove all caches.

    Programs, images and states too: everything that the engine keeps on disk.
    """
    from dev import lifecycle

    lifecycle.clean()


def engine() -> None:
    """Bring the engine up without a stack.

    That is Docker with a Swarm, the image builder, and Pulumi with its plugins.
    """
    from dev import lifecycle

    lifecycle.engine_up()


def env() -> None:
    """Print the variables of the engine, for a shell.

    With them, plain `pulumi` and `docker` work on the project's own engine and state.

    \b
    Examples:
      eval "$(bin/fleet env)"
    """
    from dev.environment import environment, shell_exports

    typer.echo(shell_exports(environment()), nl=False)


def doctor(as_json: AsJson = False) -> None:
    """Say what is in use, and why. Exits with 1 if something is wrong.

    \b
    Examples:
      fleet doctor
      fleet doctor --json
    """
    from dataclasses import asdict

    from dev import doctor
    from fleet.console import Cell, show_json, show_table

    findings = doctor.findings()
    if as_json:
        show_json([asdict(finding) for finding in findings])
    else:
        rows = [
            (
                Cell("ok" if found.ok else "WRONG", "green" if found.ok else "red"),
                found.subject,
                found.variant,
                found.why,
            )
            for found in findings
        ]
        show_table(("", "SUBJECT", "IN USE", "BECAUSE"), rows)
    if not all(finding.ok for finding in findings):
        raise typer.Exit(1)
