"""A stack over two simulated clouds: a client of the one is answered by a server in the other, through the tunnel."""

import os
from collections.abc import Iterator

import pytest

from dev.cloud.client import Call, Caller
from dev.cloud.cloud import Cloud, cloud, free_network
from dev.cloud.lambda_labs import LambdaLabsMachines, lambda_labs
from dev.cloud.stack import CloudStack, committed, in_cloud
from dev.progress import Steps

from .needs import NAMESPACES, TUNNELS

pytestmark = [pytest.mark.long, NAMESPACES, TUNNELS]
HEALTHY_SECONDS = 240.0


@pytest.fixture(scope="module")
def place(engine_environment: dict[str, str]) -> Iterator[Cloud]:
    with cloud(print) as place:
        yield place


@pytest.fixture(scope="module")
def elsewhere(place: Cloud) -> Iterator[LambdaLabsMachines]:
    with lambda_labs(place) as machines:
        yield machines


@pytest.fixture(scope="module")
def stack(place: Cloud, elsewhere: LambdaLabsMachines) -> Iterator[CloudStack]:
    """The committed stack of staging with its one manager, a machine of Lambda Labs, and one server there."""
    config = in_cloud(committed("staging"), place, free_network())
    config["hosts"]["aws"]["groups"] = {"manager": config["hosts"]["aws"]["groups"]["manager"]}
    config["hosts"]["lambda_labs"] = {"regions": ["us-east-1"], "types": ["gpu_1x_a10"], "count": 1}
    config["servers"] = {"time": {**config["servers"]["time"], "replicas": 1, "place": "gpu"}}
    with Steps() as steps:
        stack = CloudStack(f"two-{os.getpid() % 100000}", place, config, steps)
        elsewhere.admit(stack)
        yield stack


def test_a_client_is_answered_by_a_server_in_the_other_cloud(
    stack: CloudStack, place: Cloud, elsewhere: LambdaLabsMachines
) -> None:
    stack.up("up")
    outputs = stack.outputs()
    call = Call.of_time(outputs, "ci-bot")
    Caller(place).wait(call, HEALTHY_SECONDS)
    (machine,) = elsewhere.machines.values()
    running = machine.command("ps", "--format", "{{.Names}}").splitlines()
    assert f"{stack.name}-time" in {name.partition(".")[0] for name in running}
