"""Production in a simulated cloud: machines join, servers are called through the load balancer, and nothing is left."""

import json
import os
from collections.abc import Iterator

import pytest

from dev.cloud.client import Call, Caller
from dev.cloud.cloud import Cloud, cloud, free_network
from dev.cloud.lambda_labs import lambda_labs
from dev.cloud.show import LOSSES, Show
from dev.cloud.stack import CloudStack, committed, in_cloud
from dev.progress import Steps

from .needs import NAMESPACES

pytestmark = NAMESPACES

HEALTHY_SECONDS = 120.0


@pytest.fixture(scope="module")
def place(engine_environment: dict[str, str]) -> Iterator[Cloud]:
    with cloud(print) as place:
        yield place


@pytest.fixture(scope="module")
def stack(place: Cloud) -> Iterator[CloudStack]:
    """The committed stack of staging, one manager and one worker, with one server; the tests go on from each other."""
    config = in_cloud(committed("staging"), place, free_network())
    config["servers"] = {"time": {**config["servers"]["time"], "replicas": 1, "place": "worker"}}
    with Steps() as steps:
        yield CloudStack(f"sim-{os.getpid()}", place, config, steps)


def test_a_client_is_answered_through_the_load_balancer_by_a_server_on_the_worker(
    stack: CloudStack, place: Cloud
) -> None:
    stack.up("up")
    outputs = stack.outputs()
    call = Call.of_time(outputs, "ci-bot")
    assert call.url.startswith("https://mcp.staging.example.com/")
    Caller(place).wait(call, HEALTHY_SECONDS)
    worker = place.instances.named(f"mcp-fleet-{stack.name}-worker-1")
    running = worker.command("ps", "--format", "{{.Names}}").splitlines()
    assert any(name.startswith(f"{stack.name}-time.") for name in running)


def test_the_command_line_asks_the_managers_of_what_runs(stack: CloudStack) -> None:
    status = stack.fleet("status", "--once")
    assert status.returncode == 0, status.stderr
    services = json.loads(status.stdout)
    assert services["servers"]["time"]["health"] == "healthy"
    assert services["components"]["gateway"]["replicas"] == "2/2"
    assert stack.fleet("why", "gateway").returncode == 0


def test_the_state_has_no_private_key_in_plain(stack: CloudStack) -> None:
    files = [path for path in (stack.project / "state").rglob("*") if path.is_file()]
    assert files
    assert not [path for path in files if b"PRIVATE KEY" in path.read_bytes()]


def test_nothing_changes_the_second_time(stack: CloudStack) -> None:
    assert stack.preview("preview").changes == []


def test_after_a_destroy_account_and_machines_are_gone(stack: CloudStack, place: Cloud) -> None:
    stack.destroy("destroy")
    assert place.account.left() == {}
    place.instances.wait_gone()


@pytest.mark.long
def test_the_whole_show_ends_well_and_changes_fail_no_call(engine_environment: dict[str, str]) -> None:
    """Six machines in two clouds, of which two are lost; see `make prod-sim`. What a lost one had in hand may fail."""
    with Steps() as steps, cloud(print) as place, lambda_labs(place) as elsewhere:
        show = Show(place, elsewhere, steps)
        show.run()
    failures = {change: traffic.failures for change, traffic in show.load.items()}
    assert {change: failed for change, failed in failures.items() if change not in LOSSES and failed} == {}
    for loss in LOSSES:
        assert len(failures[loss]) < show.load[loss].answered / 10, failures[loss]
