"""`make bench`: bring the dev stack up under a name of its own, measure, print Markdown, and remove it.

Each figure comes from the program on this machine in this run; a median where something is done more than once.
"""

import os
import statistics
import tempfile
from functools import partial
from pathlib import Path

from bench.operations import UP, Figure, memory, operate, seconds, show
from dev import environment, lifecycle
from tests.engine.calls import ask
from tests.engine.deployment import Deployment, committed_config

REPETITIONS = 5
ADDITIONS = 3


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
    show(figures)


if __name__ == "__main__":
    main()
