"""The policy pack on the real engine: the dev stack keeps to it, and a broken service is refused by the preview."""

import subprocess
from collections.abc import Iterator

import pytest

from .conftest import MakeDeployment
from .deployment import Deployment, committed_config


@pytest.fixture(scope="module")
def dev(make_deployment: MakeDeployment) -> Iterator[Deployment]:
    """The dev stack as it is committed, never brought up."""
    deployment = make_deployment("policy")
    deployment.config = committed_config()
    deployment.write()
    yield deployment
    assert deployment.leftovers() == []


def preview(deployment: Deployment) -> subprocess.CompletedProcess[str]:
    command = ["pulumi", "preview", "--stack", deployment.name, "--color", "never", "--non-interactive"]
    return subprocess.run(
        [*command, "--policy-pack", "policy"],
        cwd=deployment.directory,
        env=deployment.environment,
        capture_output=True,
        text=True,
    )


def test_the_dev_stack_keeps_to_every_rule(dev: Deployment) -> None:
    run = preview(dev)
    assert run.returncode == 0, run.stdout + run.stderr
    assert "mcp-fleet" in run.stdout.partition("Policies:")[2], "the pack ran"
    assert "[mandatory]" not in run.stdout
    assert "can't run policy" not in run.stdout, "what a preview can't know is no noise"


def test_a_broken_rule_is_reported_and_fails_the_preview(dev: Deployment) -> None:
    code = dev.directory / "components" / "swarm_service.py"
    whole = code.read_text()
    broken = whole.replace('tests=["CMD", *service.health.command]', 'tests=["NONE"]')
    assert broken != whole
    code.write_text(broken)
    try:
        run = preview(dev)
    finally:
        code.write_text(whole)
    assert run.returncode != 0
    assert "[mandatory]  service-health-check" in run.stdout
    assert "so a bad release replaces a good one" in run.stdout
