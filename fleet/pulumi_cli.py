"""The Pulumi CLI, as it is asked for something: what it answers is data, and is not shown."""

import subprocess
from collections.abc import Mapping
from pathlib import Path

from fleet.errors import FleetError


def ask(
    *arguments: str,
    project: Path,
    environment: Mapping[str, str],
    given: str | None = None,
    seconds: float | None = None,
) -> "subprocess.CompletedProcess[str]":
    """Run `pulumi` with these arguments, and return how that ended.

    Args:
        project: the project's folder.
        environment: the whole environment of the command.
        given: what it reads.
        seconds: how long it may take; as long as it likes if None.

    Raises:
        FleetError: Pulumi is missing.
        subprocess.TimeoutExpired: It took too long.
    """
    try:
        return subprocess.run(
            ["pulumi", *arguments, "--non-interactive"],
            cwd=project,
            env=dict(environment),
            # Never the input of this command, which may be a conversation.
            input=given or "",
            capture_output=True,
            text=True,
            timeout=seconds,
            check=False,
        )
    except FileNotFoundError:
        raise missing() from None


def missing() -> FleetError:
    """Return the error of a machine without Pulumi."""
    return FleetError("the Pulumi CLI is not on PATH", hint="`fleet engine` gets it")
