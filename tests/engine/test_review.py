"""From review to deployment on the real engine: what was reviewed is what runs, and what was changed by hand shows."""

from pathlib import Path

import pytest

from .conftest import MakeDeployment
from .deployment import Deployment

MEBIBYTE = 1 << 20


@pytest.fixture(scope="module")
def stack(make_deployment: MakeDeployment) -> Deployment:
    """A stack without servers that was deployed by its plan."""
    deployment = make_deployment("review")
    plan = reviewed(deployment)
    run = deployment.fleet("deploy", "--plan", str(plan), check=False)
    assert run.returncode == 0, run.stdout + run.stderr
    return deployment


def reviewed(deployment: Deployment) -> Path:
    """Preview, as for a pull request, and return the plan."""
    deployment.write()
    plan = deployment.directory / "plan.json"
    deployment.fleet("preview", "--plan", str(plan), "--markdown", str(deployment.directory / "comment.md"))
    return plan


def test_what_was_not_reviewed_is_refused_before_anything_is_done(stack: Deployment) -> None:
    with stack.changed(clients={"codex": {"tier": "pro"}}):
        plan = reviewed(stack)
    with stack.changed(clients={"codex": {"tier": "enterprise"}}):
        stack.write()
        run = stack.fleet("deploy", "--plan", str(plan), check=False)
    stack.write()
    assert run.returncode == 1
    assert (
        "policy-clients (docker:index/serviceConfig:ServiceConfig): gets other inputs than were reviewed" in run.stderr
    )
    assert "codex" not in stack.outputs()["tokens"]


def test_a_plan_for_another_state_of_the_stack_is_refused(stack: Deployment) -> None:
    """As when two pull requests were merged, and the first one's deployment is still to be approved."""
    plan = reviewed(stack)
    with stack.changed(clients={"codex": {"tier": "pro"}}):
        stack.write()
        run = stack.fleet("deploy", "--plan", str(plan), check=False)
    stack.write()
    assert run.returncode == 1
    assert "key-codex (random:index/randomPassword:RandomPassword): create was not reviewed" in run.stderr


def test_what_was_changed_by_hand_is_told_and_left(stack: Deployment) -> None:
    assert stack.fleet("drift", check=False).returncode == 0
    service = stack.services()[f"{stack.name}-policy"]
    limits = service.attrs["Spec"]["TaskTemplate"]["Resources"]
    changed = {**limits, "Limits": {**limits["Limits"], "MemoryBytes": 200 * MEBIBYTE}}
    service.update(resources=changed, fetch_current_spec=True)
    run = stack.fleet("drift", check=False)
    assert run.returncode == 1
    assert "memoryBytes: 134217728 => 209715200" in run.stderr
    assert "pulumi up --refresh" in run.stderr
    service.reload()
    assert service.attrs["Spec"]["TaskTemplate"]["Resources"]["Limits"]["MemoryBytes"] == 200 * MEBIBYTE


def test_destroy_asks_first_and_leaves_nothing(stack: Deployment) -> None:
    """The last in this file."""
    refused = stack.fleet("destroy", check=False)
    assert refused.returncode == 1
    assert "--yes" in refused.stderr
    assert stack.leftovers()
    assert stack.fleet("destroy", "--yes", check=False).returncode == 0
    assert stack.leftovers() == []
