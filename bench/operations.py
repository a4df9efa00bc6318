"""Pulumi's commands as they are measured, and the table of what was."""

import json
import os
import platform
import subprocess
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any

from tests.engine.deployment import Deployment

UP = ("up", "--yes", "--skip-preview")
IMAGE = "docker-build:index:Image"
MEBIBYTE = 1024 * 1024


@dataclass(frozen=True)
class Figure:
    """One row of the table."""

    what: str
    value: str
    goal: str = ""


@dataclass
class Operation:
    """A Pulumi command as users run it, and how many seconds of it went by with images being built."""

    seconds: float = 0.0
    building: float = 0.0
    _begun: dict[str, float] = field(default_factory=dict)

    def take(self, event: dict[str, Any]) -> None:
        """Take one engine event, as it comes."""
        now = time.monotonic()
        if _type(event, "resourcePreEvent") == IMAGE:
            self._begun[event["resourcePreEvent"]["metadata"]["urn"]] = now
        if _type(event, "resOutputsEvent") == IMAGE:
            self.building += now - self._begun.pop(event["resOutputsEvent"]["metadata"]["urn"], now)


def _type(event: dict[str, Any], kind: str) -> str | None:
    found: str | None = event.get(kind, {}).get("metadata", {}).get("type")
    return found


def operate(deployment: Deployment, *command: str) -> Operation:
    """Run `command` of Pulumi on the stack. Raises CalledProcessError, with all that it printed on our output."""
    deployment.write()
    operation = Operation()
    started = time.monotonic()
    with subprocess.Popen(
        ["pulumi", "--non-interactive", *command, "--json", "--stack", deployment.name],
        cwd=deployment.directory,
        env=deployment.environment | {"PULUMI_ENABLE_STREAMING_JSON_PREVIEW": "true"},
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout is not None
        lines = []
        for line in process.stdout:
            lines.append(line)
            operation.take(json.loads(line))
    operation.seconds = time.monotonic() - started
    if process.returncode != 0:
        print(*lines, sep="")
        raise subprocess.CalledProcessError(process.returncode, process.args)
    return operation


def seconds(action: Callable[[], object]) -> float:
    """Return how long an action takes."""
    started = time.monotonic()
    action()
    return time.monotonic() - started


def memory(deployment: Deployment) -> float:
    """Return the memory in MiB that all containers of the stack use, page cache left out as `docker stats` does."""
    used = 0
    for name in deployment.services():
        for container in deployment.containers(name.removeprefix(f"{deployment.name}-")):
            stats = deployment.docker.api.stats(container, stream=False)["memory_stats"]
            used += stats["usage"] - stats["stats"].get("inactive_file", stats["stats"].get("total_inactive_file", 0))
    return used / MEBIBYTE


def show(figures: Iterable[Figure]) -> None:
    """Print figures as Markdown, below what machine they are of."""
    print(f"{os.cpu_count()} cores, {platform.system()} {platform.release()}, Python {platform.python_version()}\n")
    print("| figure | measured | goal |\n|---|---|---|")
    for figure in figures:
        print(f"| {figure.what} | {figure.value} | {figure.goal} |")
