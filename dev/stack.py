"""Deploy a stack of a project folder with Pulumi, show what runs, destroy it."""

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

from rich.console import Console
from rich.table import Table

from dev import commands, home
from dev.environment import environment
from dev.errors import EngineError
from dev.progress import Steps
from dev.pulumi_events import Follower

PROJECT = "mcp-fleet"
INTERRUPT_SECONDS = 60.0
"""How long an interrupted Pulumi may take to finish what it is at and write its state."""
UNASKED = ("--yes", "--skip-preview")


def exists(name: str) -> bool:
    """Whether the stack is known to our state."""
    return _state_file(name).is_file()


def deployed() -> list[str]:
    """The stacks in our state, of any project, that have resources."""
    files = sorted((home.state() / ".pulumi" / "stacks").glob("*/*.json"))
    return [file.stem for file in files if _resources(file) > 0]


def deploy(name: str, project: Path, steps: Steps) -> None:
    """`pulumi up` of the stack, which is made if it isn't known yet.

    Raises:
        EngineError: Pulumi refused or failed; with what it said.
    """
    variables = {**os.environ, **environment()}
    with steps.step(f"stack {name}") as step:
        if not exists(name):
            _pulumi("init", name, project, environ=variables)
        _recover(name, project, variables, steps)
        _pulumi("select", name, project, environ=variables)
        expected = _resources(_state_file(name))
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
    variables = {**os.environ, **environment()}
    with steps.step(f"stack {name}") as step:
        _recover(name, project, variables, steps)
        expected = _resources(_state_file(name))
        if expected:
            # Refreshed first: what is gone already must not make it fail.
            _follow("destroy", name, project, Follower(step, 2 * expected), variables, *UNASKED, "--refresh")
        _pulumi("rm", name, project, "--yes", "--preserve-config", environ=variables)
        step.done(f"{expected} resources deleted" if expected else "nothing was deployed")


def show(name: str) -> None:
    """Print what runs (each server, its URL, its health) and three commands to try next, to stdout."""
    from fleet import status

    now = status.read(name)
    status.show(now)
    server = next((each.name for each in now.servers if each.name == "time"), None)
    server = server or (now.servers[0].name if now.servers else "NAME")
    option = "" if name == "dev" else f" --stack {name}"
    console = Console(file=sys.stdout, highlight=False)
    console.print("\nNext:")
    table = Table(box=None, show_header=False, padding=(0, 2))
    table.add_row(f"bin/fleet call {server} --list{option}", "[dim]the tools of a server[/]")
    table.add_row(f"bin/fleet clients{option}", "[dim]configuration for Claude Code, Cursor, Codex …[/]")
    table.add_row(f"bin/fleet add pypi:NAME{option}", "[dim]one more server; `make up` runs it[/]")
    console.print(table)


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
        told = "\n".join(follower.problems) or str(error)
        raise EngineError(f"pulumi {command} of stack {name} failed:\n{told}") from error


def _recover(name: str, project: Path, environ: Mapping[str, str], steps: Steps) -> None:
    """Put right what a killed command left in the state, if one did."""
    import docker.errors

    from fleet import recovery

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


def _state_file(name: str) -> Path:
    # The layout of a file backend: https://github.com/pulumi/pulumi/blob/master/pkg/backend/diy/store.go
    return home.state() / ".pulumi" / "stacks" / PROJECT / f"{name}.json"


def _resources(file: Path) -> int:
    """How many resources a stack's state has."""
    try:
        latest = json.loads(file.read_text())["checkpoint"].get("latest") or {}
    except FileNotFoundError:
        return 0
    return len(latest.get("resources") or [])
