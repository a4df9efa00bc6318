"""Deploy a stack of a project folder with Pulumi, and destroy it."""

import json
import os
import subprocess
from collections.abc import Mapping
from pathlib import Path

import docker.errors

from dev import commands, home, recovery
from dev.environment import BACKEND_VARIABLE, environment
from dev.errors import EngineError
from dev.progress import Steps
from dev.pulumi_events import Follower
from stacks.signatures import DESTROYING

INTERRUPT_SECONDS = 60.0
"""How long an interrupted Pulumi may take to finish what it is at and write its state."""
UNASKED = ("--yes", "--skip-preview")


def exists(name: str) -> bool:
    """Whether the stack is known to our state."""
    return home.stack_state(name).is_file()


def deployed() -> list[str]:
    """The stacks in our state, of any project, that have resources."""
    files = sorted((home.state() / ".pulumi" / "stacks").glob("*/*.json"))
    return [file.stem for file in files if _resources(file) > 0]


def deploy(name: str, project: Path, steps: Steps) -> None:
    """`pulumi up` of the stack, which is made if it isn't known yet.

    Raises:
        EngineError: Pulumi refused or failed; with what it said.
    """
    variables = _variables(name)
    with steps.step(f"stack {name}") as step:
        if not exists(name):
            _pulumi("init", name, project, environ=variables)
        _recover(name, project, variables, steps)
        _pulumi("select", name, project, environ=variables)
        expected = _resources(home.stack_state(name))
        if not expected:
            # Worth its seconds before the first deployment alone: that one takes long, and one wants to see how far.
            plan = Follower(step, 0)
            _follow("preview", name, project, plan, {**variables, "PULUMI_ENABLE_STREAMING_JSON_PREVIEW": "true"})
            expected = sum(plan.changes.values())
        follower = Follower(step, expected)
        _follow("up", name, project, follower, variables, *UNASKED)
        step.done(follower.summary())


def destroy(name: str, project: Path, steps: Steps) -> None:
    """`pulumi destroy` of the stack, and forget it; its configuration file stays.

    Raises:
        EngineError: Pulumi refused or failed; with what it said.
    """
    variables = _variables(name)
    with steps.step(f"stack {name}") as step:
        _recover(name, project, variables, steps)
        expected = _resources(home.stack_state(name))
        if expected:
            # Refreshed first: what is gone already must not make it fail.
            destroying = {**variables, DESTROYING: "true"}
            _follow("destroy", name, project, Follower(step, 2 * expected), destroying, *UNASKED, "--refresh")
        _pulumi("rm", name, project, "--yes", "--preserve-config", environ=variables)
        step.done(f"{expected} resources deleted" if expected else "nothing was deployed")


def _variables(name: str) -> dict[str, str]:
    """The whole environment of a command on our own state."""
    if os.environ.get(BACKEND_VARIABLE):
        raise EngineError(
            f"stack {name}: {BACKEND_VARIABLE} names a shared state, and this is for stacks of this machine alone; "
            "use `fleet deploy` and `fleet destroy`, or unset it"
        )
    return {**os.environ, **environment()}


def _follow(
    command: str, name: str, project: Path, follower: Follower, environ: Mapping[str, str], *options: str
) -> None:
    try:
        commands.run(
            ["pulumi", "--non-interactive", command, "--json", "--stack", name, *options],
            name=f"pulumi-{command}-{name}",
            on_line=follower.follow,
            environ=environ,
            cwd=project,
            grace=INTERRUPT_SECONDS,
        )
    except EngineError as error:
        told = "\n".join(follower.problems or follower.said) or str(error)
        raise EngineError(f"pulumi {command} of stack {name} failed:\n{told}") from error


def _recover(name: str, project: Path, environ: Mapping[str, str], steps: Steps) -> None:
    """Put right what a killed command left in the state, if one did."""
    try:
        recovery.recover(name, project, environ, steps.say)
    except (subprocess.CalledProcessError, docker.errors.DockerException) as error:
        raise EngineError(f"stack {name} was interrupted, and can't be put right: {error}") from error


def _pulumi(command: str, name: str, project: Path, *options: str, environ: Mapping[str, str]) -> None:
    done = subprocess.run(
        ["pulumi", "--non-interactive", "stack", command, name, *options],
        cwd=project,
        env=environ,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode != 0:
        raise EngineError(f"pulumi stack {command} {name} failed:\n{done.stderr.strip()}")


def _resources(file: Path) -> int:
    """How many resources a stack's state has."""
    try:
        latest = json.loads(file.read_text())["checkpoint"].get("latest") or {}
    except FileNotFoundError:
        return 0
    return len(latest.get("resources") or [])
