"""The policy pack and `fleet preview` on the real engine: the dev stack is in order, a broken service is refused."""

import base64
import json
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager

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
    with services_without_health_check(dev):
        run = preview(dev)
    assert run.returncode != 0
    assert "[mandatory]  service-health-check" in run.stdout
    assert "so a bad release replaces a good one" in run.stdout


def test_the_comment_names_what_comes(dev: Deployment) -> None:
    run = dev.fleet("preview", "--json", check=False)
    assert run.returncode == 0, run.stdout + run.stderr
    found = json.loads(run.stdout)
    assert {server["name"]: server["kind"] for server in found["servers"]} == dict.fromkeys(
        dev.config["servers"], "added"
    )
    assert found["counts"].keys() == {"create"}


def test_the_comment_is_written_when_the_preview_fails_too(dev: Deployment) -> None:
    file = dev.directory / "comment.md"
    with services_without_health_check(dev):
        run = dev.fleet("preview", "--markdown", str(file), check=False)
    assert run.returncode == 1
    assert "| `service-health-check` | `gateway` |" in file.read_text()
    with dev.changed(servers={"time": "pypi:mcp-server-time"}):
        dev.write()
        run = dev.fleet("preview", "--markdown", str(file), check=False)
    dev.write()
    assert run.returncode == 1
    assert "has no version" in file.read_text()


def test_a_stack_that_is_protected_keeps_its_data(dev: Deployment) -> None:
    code = dev.directory / "policy" / "protection.py"
    whole = code.read_text()
    code.write_text(whole.replace('PROTECTED_STACKS = ("prod",)', f'PROTECTED_STACKS = ("{dev.name}",)'))
    try:
        refused = dev.fleet("preview", "--json", check=False)
        with dev.changed(protect=True):
            dev.write()
            protected = dev.fleet("preview", "--json", check=False)
    finally:
        code.write_text(whole)
        dev.write()
    assert {found["policy_name"] for found in json.loads(refused.stdout)["violations"]} == {"prod-state-protected"}
    assert protected.returncode == 0, protected.stdout


def test_no_secret_is_in_the_comment_the_json_or_the_plan(dev: Deployment) -> None:
    canary = "canary-4b1d7e"
    files = {name: dev.directory / name for name in ("comment.md", "plan.json")}
    code = dev.directory / "__main__.py"
    whole = code.read_text()
    time = {"source": "pypi:mcp-server-time@2026.10.19", "secrets": ["CANARY"]}
    with dev.changed(servers={"time": time}, clients={}):
        dev.write()
        dev.set_secret("secrets.time.CANARY", canary)
        arguments = ("preview", "--markdown", str(files["comment.md"]), "--plan", str(files["plan.json"]), "--json")
        run = dev.fleet(*arguments, check=False)
        assert run.returncode == 0, run.stdout + run.stderr
        said = [run.stdout, run.stderr, *(file.read_text() for file in files.values())]
        code.write_text(whole.replace("    stack = load_stack", LEAK))
        run = dev.fleet(*arguments, check=False)
        assert "the program leaks" in run.stdout
        said += [run.stdout, run.stderr, files["comment.md"].read_text()]
    code.write_text(whole)
    for text in said:
        assert canary not in text
        assert base64.b64encode(canary.encode()).decode().rstrip("=") not in text


LEAK = """\
    raise ValueError(f"the program leaks {pulumi.Config('mcp-fleet').get_object('secrets')}")
    stack = load_stack"""


@contextmanager
def services_without_health_check(deployment: Deployment) -> Iterator[None]:
    code = deployment.directory / "components" / "swarm_service.py"
    whole = code.read_text()
    broken = whole.replace('tests=["CMD", *service.health.command]', 'tests=["NONE"]')
    assert broken != whole
    code.write_text(broken)
    try:
        yield
    finally:
        code.write_text(whole)
