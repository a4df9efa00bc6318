"""`mode` and `workers` of a server in the stack config, as its containers run them."""

import json
from collections.abc import Callable
from typing import Any

import pytest

from .calls import ERAS, ask
from .deployment import Deployment, committed_config

pytestmark = pytest.mark.long

HEALTH = "import urllib.request; print(urllib.request.urlopen('http://127.0.0.1:8080/health').read().decode())"


@pytest.fixture(scope="module")
def fleet(make_deployment: Callable[[str], Deployment]) -> Deployment:
    deployment = make_deployment("modes")
    time = committed_config()["servers"]["time"]
    deployment.config |= {
        "servers": {
            # With the usual memory there is room for one process beside the one for everybody.
            "alone": {"source": time, "mode": "isolated", "pool": 2, "memory": "1G"},
            "many": {"source": time, "mode": "shared", "workers": 3},
        },
        "clients": {"claude-code": {"tier": "enterprise"}},
    }
    deployment.up()
    return deployment


def processes(fleet: Deployment, server: str) -> list[int]:
    """Return the processes of a server's only replica."""
    [container] = fleet.containers(server)
    health: dict[str, Any] = json.loads(fleet.run_in(container, HEALTH))
    return list(health["dependencies"]["child"]["pids"])


def test_workers_are_so_many_processes(fleet: Deployment) -> None:
    assert len(processes(fleet, "many")) == 3


def test_an_isolated_server_keeps_a_pool_beside_the_process_for_everybody(fleet: Deployment) -> None:
    assert len(processes(fleet, "alone")) == 1 + 2


@pytest.mark.parametrize("server", ["alone", "many"])
@pytest.mark.parametrize("era", ERAS)
def test_both_serve_clients_of_both_eras(fleet: Deployment, server: str, era: str) -> None:
    answer = ask(fleet.url(server), fleet.token("claude-code"), "get_current_time", {"timezone": "UTC"}, era=era)
    assert "UTC" in answer.text
