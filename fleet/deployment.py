"""Has the Pulumi CLI change a stack, or say what it would: with the policy pack, and without asking."""

import subprocess
from collections.abc import Mapping
from pathlib import Path

from dev.home import PROJECT
from fleet.errors import FleetError

POLICY_PACK = "policy"
"""The folder of the policy pack in the project."""


def preview(stack: str, project: Path, environment: Mapping[str, str]) -> bool:
    """Show on stderr what `pulumi up` would do, and which policies it breaks. Returns whether it may be done."""
    return _pulumi(
        "preview", "--diff=false", "--policy-pack", POLICY_PACK, stack=stack, at=project, environ=environment
    )


def up(stack: str, project: Path, environment: Mapping[str, str]) -> bool:
    """Bring a stack up, unless it breaks a policy. Returns whether that worked."""
    options = ("--yes", "--skip-preview", "--policy-pack", POLICY_PACK)
    return _pulumi("up", *options, stack=stack, at=project, environ=environment)


def unchanged(stack: str, project: Path, environment: Mapping[str, str]) -> bool:
    """Show on stderr what differs between a stack's state and what there is. Returns whether nothing does."""
    options = ("--preview-only", "--expect-no-changes", "--diff")
    return _pulumi("refresh", *options, stack=stack, at=project, environ=environment)


def destroy(stack: str, project: Path, environment: Mapping[str, str]) -> bool:
    """Destroy a stack. Returns whether that worked: with a protected resource it does not."""
    # Refreshed first: what is gone already must not make it fail.
    return _pulumi("destroy", "--yes", "--skip-preview", "--refresh", stack=stack, at=project, environ=environment)


def set_secret(
    server: str, variable: str, value: str, *, stack: str, project: Path, environment: Mapping[str, str]
) -> None:
    """Have Pulumi encrypt a secret into the stack's file. Raises FleetError where it can't."""
    command = ["pulumi", "config", "set", "--secret", "--path", f"{PROJECT}:secrets.{server}.{variable}"]
    try:
        # The value goes by stdin: arguments can be read by everybody on the machine.
        done = subprocess.run(
            [*command, "--stack", stack, "--non-interactive"],
            cwd=project,
            env=dict(environment),
            input=value,
            text=True,
            stdout=2,
            check=False,
        )
    except FileNotFoundError:
        raise _no_pulumi() from None
    if done.returncode != 0:
        raise FleetError(
            f"Pulumi did not set the secret {variable} of server {server!r}", hint="its reason stands above"
        )


def _pulumi(*arguments: str, stack: str, at: Path, environ: Mapping[str, str]) -> bool:
    command = ["pulumi", *arguments, "--stack", stack, "--non-interactive"]
    try:
        # Its report is progress, not data: it goes to stderr.
        done = subprocess.run(command, cwd=at, env=dict(environ), stdout=2, check=False)
    except FileNotFoundError:
        raise _no_pulumi() from None
    return done.returncode == 0


def _no_pulumi() -> FleetError:
    return FleetError("the Pulumi CLI is not on PATH", hint="`fleet engine` gets it")
