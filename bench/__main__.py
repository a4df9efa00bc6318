"""`make bench`: bring the dev stack up under a name of its own, measure, print Markdown, and remove it.

Each figure comes from the program on this machine in this run; a median where something is done more than once.
"""

import os
import platform
import statistics
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from pulumi import automation

from dev import environment, lifecycle
from tests.engine.calls import ask
from tests.engine.deployment import Deployment, committed_config

PREVIEWS = 5
ADDITIONS = 3
IMAGE = "docker-build:index:Image"
MEBIBYTE = 1024 * 1024


@dataclass(frozen=True)
class Figure:
    """One row of the table."""

    what: str
    value: str
    goal: str = ""


class BuildClock:
    """Adds up how long an operation spent on images, by its engine events."""

    def __init__(self) -> None:
        self.started: dict[str, float] = {}
        self.seconds = 0.0

    def __call__(self, event: automation.EngineEvent) -> None:
        now = time.monotonic()
        if event.resource_pre_event and event.resource_pre_event.metadata.type == IMAGE:
            self.started[event.resource_pre_event.metadata.urn] = now
        if event.res_outputs_event and event.res_outputs_event.metadata.type == IMAGE:
            self.seconds += now - self.started.pop(event.res_outputs_event.metadata.urn, now)


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
        deployment.write()
        clock = BuildClock()
        total = seconds(partial(deployment.stack.up, on_event=clock))
        totals.append(total)
        others.append(total - clock.seconds)
        call = partial(ask, deployment.url("extra"), deployment.token(), "get_current_time", {"timezone": "UTC"})
        first_calls.append(seconds(call))
        deployment.config["servers"] = servers
        deployment.up()
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
            first = seconds(deployment.up)
            again = seconds(deployment.up)
            previews = [seconds(deployment.preview) for _ in range(PREVIEWS)]
            figures = [
                Figure("engine that already runs, checked", f"{engine:.1f} s"),
                Figure("first `up` of the dev stack on this engine", f"{first:.0f} s"),
                Figure("`up` with nothing to do", f"{again:.1f} s", "seconds"),
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
