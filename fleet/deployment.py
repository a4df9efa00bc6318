"""Has the Pulumi CLI change a stack, or say what it would: with the policy pack, and without asking."""

import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from dev.home import PROJECT
from fleet import interrupted, pulumi_cli
from fleet.console import say
from fleet.errors import FleetError
from fleet.failure_hints import hint
from stacks.signatures import DESTROYING

POLICY_PACK = "policy"
"""The folder of the policy pack in the project."""


@dataclass(frozen=True, kw_only=True)
class _Outcome:
    worked: bool
    said: str


def preview(stack: str, project: Path, environment: Mapping[str, str]) -> bool:
    """Show on stderr what `pulumi up` would do, and which policies it breaks. Returns whether it may be done."""
    return _pulumi(
        "preview", "--diff=false", "--policy-pack", POLICY_PACK, stack=stack, at=project, environ=environment
    ).worked


def up(stack: str, project: Path, environment: Mapping[str, str]) -> None:
    """Bring a stack up, unless it breaks a policy; what an interrupted run made on AWS is used.

    Raises:
        FleetError: That did not work; says what to do.
    """
    interrupted.take_over(stack, project, environment)
    options = ("--yes", "--skip-preview", "--policy-pack", POLICY_PACK)
    outcome = _pulumi("up", *options, stack=stack, at=project, environ=environment)
    if not outcome.worked:
        raise FleetError(f"stack {stack!r} was not brought up", hint=hint(stack, outcome.said))


def unchanged(stack: str, project: Path, environment: Mapping[str, str]) -> bool:
    """Show on stderr what differs between a stack's state and what there is. Returns whether nothing does."""
    options = ("--preview-only", "--expect-no-changes", "--diff")
    return _pulumi("refresh", *options, stack=stack, at=project, environ=environment).worked


def destroy(stack: str, project: Path, environment: Mapping[str, str]) -> None:
    """Destroy a stack, from whatever state it is in.

    Raises:
        FleetError: Something of it is protected, and nothing was done; or it did not work. Says what to do.
    """
    state = interrupted.take_over(stack, project, environment)
    if state.protected:
        raise FleetError(
            f"stack {stack!r} is protected, and nothing of it was destroyed: {', '.join(state.protected)}",
            hint=f"if it is to go, with its data: remove `mcp-fleet:protect` from Pulumi.{stack}.yaml, "
            "deploy that, and destroy it then",
        )
    options: tuple[str, ...] = ("--refresh",)  # what is gone already must not make it fail
    if state.has_machines:
        # Nothing is asked of the machines, which go with all that is on them: they may be dead, and the file be wrong.
        options = ("--run-program=false",)
    environ = {**environment, DESTROYING: "true"}
    outcome = _pulumi("destroy", "--yes", "--skip-preview", *options, stack=stack, at=project, environ=environ)
    if not outcome.worked:
        raise FleetError(f"stack {stack!r} was not destroyed", hint=hint(stack, outcome.said))


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
        raise pulumi_cli.missing() from None
    if done.returncode != 0:
        raise FleetError(
            f"Pulumi did not set the secret {variable} of server {server!r}", hint="its reason stands above"
        )


def _pulumi(*arguments: str, stack: str, at: Path, environ: Mapping[str, str]) -> _Outcome:
    """Run Pulumi. Its report is progress, not data: it goes to stderr."""
    colour = "always" if sys.stderr.isatty() else "never"
    command = ["pulumi", *arguments, "--stack", stack, "--non-interactive", "--color", colour]
    try:
        process = subprocess.Popen(
            command,
            cwd=at,
            env=dict(environ),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
        )
    except FileNotFoundError:
        raise pulumi_cli.missing() from None
    said: list[str] = []
    with process:
        assert process.stdout is not None
        while True:
            try:
                for line in process.stdout:
                    said.append(line)
                    sys.stderr.write(line)
                break
            except KeyboardInterrupt:  # Pulumi got it too: killed now, it would not know what it made
                say("Pulumi ends what it is at, and then stops …")
    return _Outcome(worked=process.returncode == 0, said="".join(said))
