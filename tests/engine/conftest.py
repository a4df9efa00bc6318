"""The engine of the machine, brought up when it isn't, and one fleet of eight servers that the tests share."""

import secrets
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from dev import environment, lifecycle
from dev.cloud.hosts import SwarmHosts, install
from stacks import recorded_tools
from tests.ports import free_port

from .deployment import ROOT, Deployment, committed_config

MakeDeployment = Callable[[str], Deployment]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Everything in this folder needs the engine, and may take as long as images take to build."""
    here = Path(__file__).parent
    for item in items:
        if here in item.path.parents:
            item.add_marker(pytest.mark.engine)
            item.add_marker(pytest.mark.timeout(1800))


@pytest.fixture(scope="session")
def engine_environment() -> dict[str, str]:
    lifecycle.engine_up()
    return environment.environment()


@pytest.fixture(scope="module")
def hosts(engine_environment: dict[str, str], tmp_path_factory: pytest.TempPathFactory) -> Iterator[SwarmHosts]:
    """A network of machines for the Swarm of one file's tests."""
    install()
    made = SwarmHosts(tmp_path_factory.mktemp("hosts"))
    try:
        yield made
    finally:
        made.close()


@pytest.fixture(scope="session")
def make_deployment(
    engine_environment: dict[str, str], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[MakeDeployment]:
    made: list[Deployment] = []

    def make(prefix: str) -> Deployment:
        name = f"{prefix}-{secrets.token_hex(3)}"
        deployment = Deployment(name, tmp_path_factory.mktemp(name), engine_environment)
        deployment.config = {"hosts": "local", "port": free_port(), "registry-port": free_port()}
        made.append(deployment)
        return deployment

    yield make
    for deployment in made:
        if deployment.leftovers():
            deployment.destroy()


@pytest.fixture(scope="session")
def fleet(make_deployment: MakeDeployment) -> Deployment:
    """The dev stack as it is committed, under another name and on other ports."""
    deployment = make_deployment("fleet")
    deployment.config = committed_config()
    shutil.copy(ROOT / recorded_tools.FILE, deployment.directory)
    deployment.up()
    return deployment
