"""`make bench`: bring the dev stack up under a name of its own, measure, print Markdown, and remove it.

Each figure comes from the program on this machine in this run; a median where something is done more than once.
"""

import json
import os
import platform
import statistics
import subprocess
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

from dev import environment, lifecycle
from tests.engine.calls import ask
from tests.engine.deployment import Deployment, committed_config

REPETITIONS = 5
ADDITIONS = 3
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


def bring_up(directory: Path) -> Deployment:
    """Return a deployment of the committed dev config, not yet up."""
    deployment = Deployment(f"bench-{os.getpid()}", directory, environment.environment())
    deployment.config = committed_config()
    return deployment


def additions(deployment: Deployment) -> list[Figure]:
    """Add a PyPI server several times over, each time with a limit of its own and a warm cache."""
    source = deployment.config["servers"]["time"]
    servers = deployment.config["servers"]
    totals, others, first_calls = [], [], []
    for _ in range(ADDITIONS):
        deployment.config["servers"] = {**servers, "extra": source}
        added = operate(deployment, *UP)
        totals.append(added.seconds)
        others.append(added.seconds - added.building)
        call = partial(ask, deployment.url("extra"), deployment.token(), "get_current_time", {"timezone": "UTC"})
        first_calls.append(seconds(call))
        deployment.config["servers"] = servers
        operate(deployment, *UP)
    return [
        Figure("`up` that adds one PyPI server, warm cache", f"{statistics.median(totals):.1f} s", "< 20 s"),
        Figure("… of it not building", f"{statistics.median(others):.1f} s", "< 8 s"),
        Figure("first call after that `up`, answered in", f"{statistics.median(first_calls):.2f} s", "no failed call"),
    ]


def memory(deployment: Deployment) -> float:
    """Return the memory in MiB that all containers of the stack use, page cache left out as `docker stats` does."""
    used = 0
    for name in deployment.services():
        for container in deployment.containers(name.removeprefix(f"{deployment.name}-")):
            stats = deployment.docker.api.stats(container, stream=False)["memory_stats"]
            used += stats["usage"] - stats["stats"].get("inactive_file", stats["stats"].get("total_inactive_file", 0))
    return used / MEBIBYTE


def main() -> None:
    """Measure and print."""
    engine = seconds(lifecycle.engine_up)
    with tempfile.TemporaryDirectory() as directory:
        deployment = bring_up(Path(directory))
        try:
            first = operate(deployment, *UP).seconds
            again = [operate(deployment, *UP).seconds for _ in range(REPETITIONS)]
            previews = [operate(deployment, "preview").seconds for _ in range(REPETITIONS)]
            figures = [
                Figure("engine that already runs, checked", f"{engine:.1f} s"),
                Figure("first `up` of the dev stack on this engine", f"{first:.0f} s"),
                Figure("`up` with nothing to do", f"{statistics.median(again):.1f} s", "seconds"),
                Figure("preview of the dev stack", f"{statistics.median(previews):.1f} s", "< 5 s"),
                *additions(deployment),
                Figure("memory of the whole dev stack at rest", f"{memory(deployment):.0f} MiB"),
            ]
        finally:
            deployment.destroy()
    print(f"{os.cpu_count()} cores, {platform.system()} {platform.release()}, Python {platform.python_version()}\n")
    print("| figure | measured | goal |\n|---|---|---|")
    for figure in figures:
        print(f"| {figure.what} | {figure.value} | {figure.goal} |")


if __name__ == "__main__":
    main()
