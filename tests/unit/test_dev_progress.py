"""What a long command tells: on a pipe, and of what the Pulumi engine says."""

import io
import json
from itertools import count

import pytest
from rich.console import Console

from dev import progress
from dev.progress import Step, Steps
from dev.pulumi_events import Follower


@pytest.fixture
def told() -> io.StringIO:
    return io.StringIO()


@pytest.fixture
def steps(told: io.StringIO) -> Steps:
    """Steps on a pipe, where each look at the clock finds ten seconds gone."""
    seconds = count(0, int(progress.PLAIN_INTERVAL))
    return Steps(Console(file=told, width=200), clock=lambda: next(seconds))


def test_a_pipe_gets_plain_lines_with_how_far_and_how_long(steps: Steps, told: io.StringIO) -> None:
    with steps, steps.step("tools") as step:
        step.update("pulumi: compiling", 3, 12)
        step.done("built")
    assert told.getvalue().splitlines() == ["  tools: 3/12, pulumi: compiling, 10 s", "✓ tools: built (20.0 s)"]


def test_lines_of_a_step_are_few(told: io.StringIO) -> None:
    seconds = count()
    steps = Steps(Console(file=told), clock=lambda: next(seconds))
    with steps, steps.step("tools") as step:
        for number in range(100):
            step.update("compiling", number, 100)
    assert len(told.getvalue().splitlines()) == 11


def test_a_step_of_milliseconds_is_told_by_its_result_alone(told: io.StringIO) -> None:
    with Steps(Console(file=told), clock=lambda: 0.0) as steps, steps.step("Swarm") as step:
        step.update("looking")
        step.done("[active]")
    assert told.getvalue() == "✓ Swarm: [active]\n", "no markup of ours"


def test_a_failed_step_is_marked_and_its_error_goes_on(steps: Steps, told: io.StringIO) -> None:
    with pytest.raises(OSError, match="no space"), steps, steps.step("images"):
        raise OSError("no space left")
    assert told.getvalue().startswith("✗ images: failed")


@pytest.fixture
def step(steps: Steps) -> Step:
    return Step(steps, "stack dev")


def _urn(kind: str, name: str) -> str:
    return f"urn:pulumi:dev::mcp-fleet::mcp-fleet:components:Redis${kind}::{name}"


def _event(kind: str, operation: str, urn: str) -> str:
    return json.dumps({kind: {"metadata": {"op": operation, "urn": urn}}})


def test_an_update_tells_what_is_under_way_and_how_far_it_is(step: Step, told: io.StringIO) -> None:
    follower = Follower(step, 3)
    follower.follow(_event("resourcePreEvent", "create", _urn("mcp-fleet:components:Redis", "redis")))
    follower.follow(_event("resourcePreEvent", "create", _urn("docker:index/service:Service", "dev-redis")))
    assert told.getvalue().splitlines()[-1] == "  stack dev: 0/3, dev-redis, 20 s"
    follower.follow(_event("resOutputsEvent", "create", _urn("docker:index/service:Service", "dev-redis")))
    assert told.getvalue().splitlines()[-1] == "  stack dev: 1/3, 30 s"
    follower.follow(json.dumps({"summaryEvent": {"resourceChanges": {"create": 2, "same": 1}}}))
    assert follower.summary() == "2 created"


def test_a_resource_that_is_replaced_counts_its_operations(step: Step, told: io.StringIO) -> None:
    follower = Follower(step, 1)
    for operation in ("create-replacement", "replace", "delete-replaced"):
        for kind in ("resourcePreEvent", "resOutputsEvent"):
            follower.follow(_event(kind, operation, _urn("docker:index/secret:Secret", "key")))
    assert told.getvalue().splitlines()[-1] == "  stack dev: 3/3, 60 s"


def test_problems_are_told_once_with_the_resource_they_are_about(step: Step) -> None:
    follower = Follower(step, 0)
    stack = "urn:pulumi:dev::mcp-fleet::pulumi:pulumi:Stack::mcp-fleet-dev"
    for urn, severity, message in (
        (_urn("docker:index/service:Service", "dev-time"), "error", "did not converge\n"),
        (_urn("docker:index/service:Service", "dev-time"), "error", "did not converge\n"),
        (_urn("docker:index/service:Service", "dev-time"), "warning", "slow"),
        (stack, "error", "Pulumi.dev.yaml: unknown key"),
        (stack, "error", "update failed"),
    ):
        event = {"urn": urn, "severity": severity, "message": message, "color": "raw"}
        follower.follow(json.dumps({"diagnosticEvent": event}))
    follower.follow("error: no stack named 'dev' found")
    assert follower.problems == [
        "dev-time: did not converge",
        "Pulumi.dev.yaml: unknown key",
        "error: no stack named 'dev' found",
    ]


def test_a_program_that_gives_up_has_said_why_on_stderr(step: Step) -> None:
    follower = Follower(step, 0)
    for message in ("error: stack dev can't be deployed:\n", "  Pulumi.dev.yaml:9: unknown key\n\n"):
        follower.follow(json.dumps({"diagnosticEvent": {"severity": "info#err", "message": message}}))
    assert follower.problems == []
    assert follower.said == ["error: stack dev can't be deployed:", "  Pulumi.dev.yaml:9: unknown key"]
