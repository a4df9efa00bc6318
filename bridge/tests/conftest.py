"""Bridges that tests share: one before each fixture server, since most tests only talk."""

from collections.abc import Iterator

import pytest

from bridge.tests.rig import Bridge, bridge, server


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
