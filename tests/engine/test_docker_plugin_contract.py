"""What the program relies on in pulumi-resource-docker 5.2.0. It holds for the real plugin and for the stand-in.

Runs against whichever of them the machine has installed, on a real Swarm.
"""

import json
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pulumi_docker as docker
import pytest

from tests.ports import free_port

from .deployment import ROOT, Step
from .plugin_contract.programs import (
    DEAF_TO_SIGTERM,
    ENDING,
    IMPATIENT,
    NEVER_HEALTHY,
    SERVING,
    Full,
    in_container,
    small,
)
from .plugin_contract.stack import ContractStack

SERVICE = "docker:index/service:Service"
SECRET = "docker:index/secret:Secret"
CONFIG = "docker:index/serviceConfig:ServiceConfig"

# The SDK's loop for programs that are functions leaves a finished coroutine behind when a program fails.
pytestmark = [
    pytest.mark.long,
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
]


@pytest.fixture(scope="module")
def image(engine_environment: dict[str, str]) -> str:
    lock = Path(engine_environment.get("MCP_FLEET_IMAGES_LOCK") or ROOT / "images.lock.json")
    return str(json.loads(lock.read_text())["redis"])


@pytest.fixture(scope="module")
def make_stack(
    engine_environment: dict[str, str], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Callable[[], ContractStack]]:
    made: list[ContractStack] = []

    def make() -> ContractStack:
        made.append(ContractStack(tmp_path_factory.mktemp("contract"), {**os.environ, **engine_environment}))
        return made[-1]

    yield make
    for stack in made:
        if stack.leftovers():
            stack.refresh()
            stack.destroy()
        stack.close()


@pytest.fixture(scope="module")
def stack(make_stack: Callable[[], ContractStack]) -> ContractStack:
    """The stack of the full service, which the tests change one after the other, each for itself."""
    return make_stack()


@pytest.fixture(scope="module")
def full(stack: ContractStack, image: str) -> Full:
    """The program of the full service, deployed."""
    program = Full(stack.name, image, free_port())
    stack.up(program)
    return program


def test_a_service_with_every_field_is_stable_under_refresh(stack: ContractStack, full: Full) -> None:
    stack.refresh()
    assert stack.preview(full).steps == []


def test_no_secret_is_in_plain_in_the_state(stack: ContractStack, full: Full) -> None:
    stored = stack.stored()
    assert full.prefix in stored, "the state was looked at"
    for plain in (full.secret, "Zmlyc3Qtc2VjcmV0LXZhbHVl", "env-secret-value"):
        assert plain not in stored


def test_it_is_updated_in_place(stack: ContractStack, full: Full) -> None:
    def change(arguments: dict[str, Any]) -> None:
        arguments["mode"] = {"replicated": {"replicas": 2}}
        arguments["labels"] = [{"label": "contract.a", "value": "3"}]
        arguments["endpoint_spec"] = {"mode": "vip"}
        task = arguments["task_spec"]
        task["placement"] = {"constraints": ["node.platform.os==linux"]}
        task["resources"] = {"limits": {"memory_bytes": 32 << 20}}
        task["log_driver"] = {"name": "json-file", "options": {"max-size": "2m", "max-file": "2"}}
        task["container_spec"] |= {
            "image": "docker.io/library/busybox:1.37",
            "args": ["-c", "exec sleep 60"],
            "env": {"GREETING": "bye"},
            "user": "1001:1001",
            "mounts": [],
            "secrets": [],
            "configs": [],
            "healthcheck": {"tests": ["CMD", "true"], "interval": "2s"},
        }

    assert stack.preview(full.but(change=change)).steps == [Step("update", SERVICE, "service")]


@pytest.mark.parametrize(
    "change",
    [
        lambda arguments: arguments["task_spec"]["networks_advanceds"][0].update(aliases=["service"]),
        lambda arguments: arguments["task_spec"].update(networks_advanceds=[]),
        in_container(labels=[{"label": "contract.container", "value": "changed"}]),
    ],
    ids=["aliases", "networks", "container labels"],
)
def test_it_is_replaced_and_deleted_first(stack: ContractStack, full: Full, change: Callable[..., None]) -> None:
    operations = [step.operation for step in stack.preview(full.but(change=change)).steps]
    assert sorted(operations) == ["create-replacement", "delete-replaced", "replace"]
    assert operations.index("delete-replaced") < operations.index("create-replacement")


def test_an_unhealthy_update_is_rolled_back_and_the_next_good_one_works(stack: ContractStack, full: Full) -> None:
    refused = stack.refused(full.but(change=in_container(args=NEVER_HEALTHY, healthcheck=IMPATIENT)))
    assert "service rollback completed" in refused.text
    assert stack.comes_to_run("service", SERVING), "the old version serves"

    better = [*SERVING, "better"]
    stack.up(full.but(change=in_container(args=better)))
    assert stack.comes_to_run("service", better)


def test_a_rotated_secret_and_config_come_first_and_go_last(stack: ContractStack, full: Full) -> None:
    before = stack.service_id("service")
    rotated = full.but(secret="second secret value", config="second config")
    recorder = stack.up(rotated)
    steps = recorder.steps
    updated = steps.index(Step("update", SERVICE, "service"))
    for type_, name in ((SECRET, "secret"), (CONFIG, "config")):
        assert steps.index(Step("create-replacement", type_, name)) < updated
        assert steps.index(Step("delete-replaced", type_, name)) > updated
    assert stack.service_id("service") == before, "the service was rolled, not replaced"

    in_use = stack.refused(rotated.but(secret="the third", config="the third", create_first=False))
    assert "in use by the following service" in in_use.text


def test_everything_is_removed(stack: ContractStack, full: Full) -> None:
    stack.destroy()
    assert stack.leftovers() == []


def test_a_service_that_does_not_start_and_one_that_does_not_stop(
    make_stack: Callable[[], ContractStack], image: str
) -> None:
    stack = make_stack()
    refused = stack.refused(lambda: small(stack.name, image, "fragile", ENDING, timeout="6s"))
    assert "did not converge after 6s" in refused.text
    assert stack.service_id("fragile") is None, "it was removed again"

    stack.up(lambda: small(stack.name, image, "fragile", DEAF_TO_SIGTERM, grace="3s"))
    assert stack.running_arguments("fragile") == [DEAF_TO_SIGTERM], "the next up works"

    assert "context deadline exceeded" in stack.destroy_refused().text, "it needs its whole grace period"
    assert stack.service_id("fragile") is None, "the service itself is gone"
    assert "not found" in stack.destroy_refused().text
    stack.refresh()
    stack.destroy()
    assert stack.leftovers() == []


def test_what_is_not_stable_under_refresh(make_stack: Callable[[], ContractStack], image: str) -> None:
    stack = make_stack()

    def program() -> None:
        network = docker.Network("network", name=f"{stack.name}-network", driver="overlay")
        small(stack.name, image, "by-name", SERVING, networks=[{"name": network.name}])
        sticky = {"type": "tmpfs", "target": "/tmp", "tmpfs_options": {"size_bytes": 1 << 20, "mode": 0o1777}}
        small(stack.name, image, "sticky", SERVING, mounts=[sticky])

    stack.up(program)
    stack.refresh()
    again = stack.preview(program)
    assert Step("replace", SERVICE, "by-name") in again.steps, "a network by name is read back by ID"
    assert Step("update", SERVICE, "sticky") in again.steps, "a tmpfs mode loses its sticky bit"
    stack.destroy()
    assert stack.leftovers() == []
