"""A server's secrets on the real engine, out of Pulumi ESC and of the stack's file: who gets them, and rotation."""

import base64
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import yaml

from dev.esc import Esc, Organization

from .calls import ask, steady_traffic
from .conftest import MakeDeployment
from .deployment import Deployment, committed_config

TOKEN = "pul-canary-8e1f"
IN_ESC, IN_FILE, ROTATED = "canary-5f0c\r\nüber 日本\n", "canary-of-the-file", "canary-77aa-rotated"
SAMPLE_SECONDS = 0.2


@pytest.fixture(scope="module")
def esc() -> Iterator[Esc]:
    with Esc(Organization("acme"), TOKEN).serving() as esc:
        yield esc


@pytest.fixture(scope="module")
def stack(make_deployment: MakeDeployment, esc: Esc) -> Iterator[Deployment]:
    """Two servers, one of which needs a secret of each place; not brought up yet. Destroyed while ESC is there."""
    deployment = make_deployment("secrets")
    deployment.environment["PULUMI_ACCESS_TOKEN"] = TOKEN
    deployment.stack.workspace.env_vars = deployment.environment
    servers = committed_config()["servers"]
    extra = {"source": servers["everything"], "mode": "shared", "secrets": ["FROM_ESC", "FROM_FILE"]}
    deployment.config |= {
        "servers": {"notes": servers["notes"], "extra": extra},
        "clients": {"claude-code": {"tier": "enterprise"}},
        "esc": {"organization": "acme", "project": "fleet", "environment": "test", "api": esc.url},
    }
    write(esc, {"OTHER": "of a server that does not name it"})
    yield deployment
    if deployment.leftovers():
        deployment.destroy()
    assert deployment.leftovers() == []


def write(esc: Esc, variables: dict[str, str]) -> None:
    """Write a revision of the environment."""
    secrets = {"extra": {name: {"fn::secret": value} for name, value in variables.items()}, "gone": {"KEY": "x"}}
    esc.organization.write("fleet/test", yaml.safe_dump({"values": {"pulumiConfig": {"mcp-fleet:secrets": secrets}}}))


@contextmanager
def arguments_of_processes() -> Iterator[set[str]]:
    """Collect the arguments of whatever runs on this machine meanwhile, containers included."""
    seen: set[str] = set()
    stop = threading.Event()

    def look() -> None:
        while not stop.wait(SAMPLE_SECONDS):
            for file in Path("/proc").glob("[0-9]*/cmdline"):
                try:
                    seen.add(file.read_text(errors="replace"))
                except (FileNotFoundError, ProcessLookupError):
                    continue  # it has ended

    thread = threading.Thread(target=look)
    thread.start()
    try:
        yield seen
    finally:
        stop.set()
        thread.join()


def environment_of(stack: Deployment) -> dict[str, str]:
    """Return the server's own variables, as it tells them."""
    shown = ask(stack.url("extra"), stack.token("claude-code"), "get-env", {})
    variables: dict[str, str] = json.loads(shown.text)
    return variables


def test_a_secret_that_esc_does_not_have_fails_the_preview(stack: Deployment) -> None:
    said = stack.failing(stack.stack.preview)
    for variable in ("FROM_ESC", "FROM_FILE"):
        assert (
            f"the secret {variable} of server 'extra' is not set; set it in ESC's environment acme/fleet/test" in said
        )
        assert f"or here: pulumi config set --secret --path 'mcp-fleet:secrets.extra.{variable}'" in said
    assert "Traceback" not in said
    comment = stack.fleet("preview", check=False)
    assert comment.returncode == 1
    assert "the secret FROM_ESC of server 'extra' is not set" in comment.stdout, "its reviewers see it, too"


@pytest.mark.parametrize(
    ("value", "reason"), [("", "is empty"), ("canary-of-600-kilobytes" * 26_000, "has 598,000 bytes")]
)
def test_a_value_that_can_t_be_a_variable_fails_the_preview(
    stack: Deployment, esc: Esc, value: str, reason: str
) -> None:
    write(esc, {"FROM_ESC": value})
    said = stack.failing(stack.stack.preview)
    assert f"the secret FROM_ESC of server 'extra' {reason}" in said
    assert "set it anew in ESC's environment acme/fleet/test" in said
    assert "canary" not in said


def test_an_esc_that_fails_fails_the_preview_in_one_sentence(stack: Deployment, esc: Esc) -> None:
    esc.failing = 500
    said = stack.failing(stack.stack.preview)
    esc.failing = None
    assert f"mcp-fleet:esc: Pulumi ESC at {esc.url} answers 500" in said
    assert "is not set" not in said
    assert "Traceback" not in said
    assert stack.leftovers() == []


@pytest.mark.long
def test_secrets_reach_their_server_to_the_byte_and_nothing_else(stack: Deployment, esc: Esc) -> None:
    write(esc, {"FROM_ESC": IN_ESC, "OTHER": "of a server that does not name it"})
    stack.set_secret("secrets.extra.FROM_FILE", IN_FILE)
    events = stack.directory / "events.json"
    with arguments_of_processes() as arguments:
        stack.write()
        previewed = stack.fleet("preview", "--markdown", "comment.md", "--plan", "plan.json")
        said = stack.up_with_events(events)
    variables = environment_of(stack)
    assert (variables["FROM_ESC"], variables["FROM_FILE"]) == (IN_ESC, IN_FILE)
    assert "OTHER" not in variables
    places = {
        "the preview": previewed.stdout + previewed.stderr,
        "its comment": (stack.directory / "comment.md").read_text(),
        "its plan": (stack.directory / "plan.json").read_text(),
        "what `up` said": said,
        "the event log": events.read_text(),
        "the state": stack.state(),
        "the stack's file": stack.config_file.read_text(),
        "the arguments of processes": "\n".join(arguments),
        "the secrets' names": str([secret.attrs for secret in stack.docker.secrets.list()]),
        **docker_shows(stack),
    }
    for canary in (*IN_ESC.split(), IN_FILE, TOKEN):
        for place, content in places.items():
            assert canary not in content, place
            assert base64.b64encode(canary.encode()).decode().rstrip("=") not in content, place


def docker_shows(stack: Deployment) -> dict[str, str]:
    """Return what Docker tells of the stack's services, containers and images, and their logs."""
    shown = {"docker inspect of services": str([service.attrs for service in stack.services().values()])}
    for name, service in stack.services().items():
        shown[f"the log of {name}"] = b"".join(service.logs(stdout=True, stderr=True)).decode()
    for container in stack.containers("extra"):
        inspected: dict[str, Any] = stack.docker.api.inspect_container(container)
        shown["docker inspect of the container"] = str(inspected)
        shown["the image"] = str(stack.docker.images.get(inspected["Image"]).history())
    return shown


@pytest.mark.long
def test_a_rotated_secret_rolls_its_server_alone_and_fails_no_call(stack: Deployment, esc: Esc) -> None:
    """The new Docker secret comes before the service changes, the old one goes after."""
    before = {secret.name for secret in stack.docker.secrets.list() if "extra-FROM_ESC" in secret.name}
    others = {name.removeprefix(f"{stack.name}-") for name in stack.services()} - {"extra"}
    containers = {name: stack.containers(name) for name in others}
    write(esc, {"FROM_ESC": ROTATED})
    url, token = stack.url("extra"), stack.token("claude-code")
    with steady_traffic(url, token, "echo", {"message": "to and fro"}, expect="to and fro") as traffic:
        steps = stack.up().steps
    assert traffic.failures == []
    assert traffic.answered > 0
    assert environment_of(stack)["FROM_ESC"] == ROTATED
    changed = [(step.operation, step.name) for step in steps if not step.type.startswith(("pulumi:", "mcp-fleet:"))]
    order = [
        changed.index(("create-replacement", "extra-FROM_ESC")),
        changed.index(("update", "extra")),
        changed.index(("delete-replaced", "extra-FROM_ESC")),
    ]
    assert order == sorted(order)
    assert {name for _, name in changed} == {"extra", "extra-FROM_ESC"}
    after = {secret.name for secret in stack.docker.secrets.list() if "extra-FROM_ESC" in secret.name}
    assert len(after) == 1
    assert after.isdisjoint(before)
    assert {name: stack.containers(name) for name in others} == containers
