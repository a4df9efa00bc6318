"""Bridges that tests share: one before each fixture server, since most tests only talk."""

from collections.abc import Iterator

import pytest

from bridge.tests.rig import Bridge, bridge, server


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave the long tests out unless `-m` speaks of them."""
    if "long" not in config.getoption("-m"):
        config.hook.pytest_deselected(items=[item for item in items if item.get_closest_marker("long")])
        items[:] = [item for item in items if not item.get_closest_marker("long")]


@pytest.fixture(scope="session")
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture(scope="session")
def modern_bridge() -> Iterator[Bridge]:
    with bridge(*server("modern")) as running:
        running.wait_ready()
        yield running


@pytest.fixture(scope="session")
def session_bridge() -> Iterator[Bridge]:
    with bridge(*server("session_era")) as running:
        running.wait_ready()
        yield running


@pytest.fixture(scope="module")
def hostile_bridge() -> Iterator[Bridge]:
    """Before a server that prints what it is told to."""
    options = ("--max-message-bytes", str(2**20), "--max-sessions", "1000000")
    with bridge(*server("hostile"), options=options) as running:
        running.wait_ready()
        yield running


@pytest.fixture(scope="session")
def cancelling_modern_bridge() -> Iterator[Bridge]:
    with bridge(*server("modern")) as running:
        running.wait_ready()
        yield running


@pytest.fixture(scope="session")
def cancelling_session_bridge() -> Iterator[Bridge]:
    with bridge(*server("session_era")) as running:
        running.wait_ready()
        yield running


@pytest.fixture(params=["modern", "session_era"])
def cancelling_bridge(request: pytest.FixtureRequest) -> Bridge:
    """As either_bridge, for tests that cancel: for a while, messages can't be told to belong to other calls then."""
    name = "cancelling_modern_bridge" if request.param == "modern" else "cancelling_session_bridge"
    running: Bridge = request.getfixturevalue(name)
    return running


@pytest.fixture(params=["modern", "session_era"])
def either_bridge(request: pytest.FixtureRequest) -> Bridge:
    """A bridge before a server of each era in turn."""
    name = "modern_bridge" if request.param == "modern" else "session_bridge"
    running: Bridge = request.getfixturevalue(name)
    return running
