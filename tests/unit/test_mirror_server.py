"""The mirror's registry as a process: started once, found again, stopped only if it is ours."""

import os
import shutil
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from dev import home
from dev.mirror import server

pytestmark = [
    pytest.mark.engine,  # a real daemon: not for `make check`
    pytest.mark.skipif(shutil.which("docker-registry") is None, reason="the machine reaches the public registry"),
    # Outliving the process that started it is what a daemon is for.
    pytest.mark.filterwarnings("ignore:subprocess .* is still running:ResourceWarning"),
]


@pytest.fixture(autouse=True)
def own_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    monkeypatch.setenv("MCP_FLEET_HOME", str(tmp_path))
    yield tmp_path
    server.stop()


def test_it_is_started_once_and_answers_until_it_is_stopped() -> None:
    address = server.serve()
    assert server.answers(address)
    assert not server.holds(address, "library/redis", f"sha256:{'a' * 64}")
    record = (home.run() / "mirror.json").read_text()
    assert server.serve() == address
    assert (home.run() / "mirror.json").read_text() == record
    assert server.stop()
    assert not server.answers(address)
    assert not server.stop()


def test_it_comes_back_on_the_same_port() -> None:
    address = server.serve()
    server.stop()
    assert server.serve() == address


def test_a_port_that_was_taken_meanwhile_is_left_alone() -> None:
    address = server.serve()
    server.stop()
    with socket.create_server(("127.0.0.1", int(address.rpartition(":")[2]))):
        other = server.serve()
        assert other != address
        assert server.answers(other)


def test_a_stale_record_is_no_obstacle_and_its_process_is_not_touched(own_home: Path) -> None:
    home.run().mkdir()
    (home.run() / "mirror.json").write_text(f'{{"pid": {os.getpid()}, "started": 1, "boot": "another"}}')
    assert server.answers(server.serve())


def test_another_registry_on_the_remembered_port_is_not_taken_for_ours(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    theirs = server.serve()
    monkeypatch.setenv("MCP_FLEET_HOME", str(tmp_path / "second"))
    ours = server.serve()
    try:
        assert ours != theirs
    finally:
        server.stop()
        monkeypatch.setenv("MCP_FLEET_HOME", str(tmp_path))
    assert server.answers(theirs)
