"""Background programs: found again, never confused with another process, stopped for sure."""

import json
import os
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from dev import daemons
from dev.daemons import Daemon
from dev.errors import EngineError

Sleeper = tuple[Daemon, Callable[[], bool]]


@pytest.fixture
def sleeper(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Sleeper]:
    monkeypatch.setenv("MCP_FLEET_HOME", str(tmp_path))
    ready = tmp_path / "ready"
    code = f"import pathlib, time; pathlib.Path({str(ready)!r}).touch(); time.sleep(60)"
    daemon = Daemon("sleeper", (sys.executable, "-c", code))
    yield daemon, ready.exists
    daemon.stop()


def test_a_started_daemon_is_found_by_the_next_command_until_it_is_stopped(sleeper: Sleeper) -> None:
    daemon, ready = sleeper
    assert not daemon.running(ready)
    daemon.start(ready)
    found = Daemon("sleeper", ("another", "version"))
    assert found.running(ready)
    pid = found.pid()
    assert pid is not None
    assert found.stop()
    assert not Path(f"/proc/{pid}").exists()
    assert daemon.pid() is None
    assert not found.stop(), "it is stopped once"


def test_a_process_that_got_the_same_number_is_not_taken_for_the_daemon(sleeper: Sleeper, tmp_path: Path) -> None:
    daemon, ready = sleeper
    daemon.start(ready)
    record = tmp_path / "run" / "sleeper.json"
    real = json.loads(record.read_text())
    for lie in ({"started": real["started"] + 1}, {"boot": "of yesterday"}, {"pid": os.getpid()}):
        record.write_text(json.dumps(real | lie))
        assert daemon.pid() is None
    record.write_text("{half a rec")
    assert daemon.pid() is None
    record.write_text(json.dumps(real))
    assert daemon.pid() == real["pid"]


def test_one_that_ends_at_start_has_its_last_words_told(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("MCP_FLEET_HOME", str(tmp_path))
    daemon = Daemon("broken", (sys.executable, "-c", "import sys; sys.exit('no such option: --frob')"))
    with pytest.raises(
        EngineError, match=r"broken ended at start with status 1\n(.|\n)*no such option: --frob(.|\n)*log"
    ):
        daemon.start(lambda: False)
    assert daemon.pid() is None


def test_one_that_never_answers_is_stopped(monkeypatch: pytest.MonkeyPatch, sleeper: Sleeper) -> None:
    daemon, _ = sleeper
    monkeypatch.setattr(daemons, "START_SECONDS", 0.2)
    with pytest.raises(EngineError, match="sleeper didn't answer"):
        daemon.start(lambda: False)
    assert daemon.pid() is None


def test_a_running_one_may_take_its_time_to_answer(monkeypatch: pytest.MonkeyPatch, sleeper: Sleeper) -> None:
    daemon, ready = sleeper
    daemon.start(ready)
    soon = time.monotonic() + 0.3
    assert daemon.running(lambda: time.monotonic() > soon)
    monkeypatch.setattr(daemons, "PATIENCE_SECONDS", 0.1)
    assert not daemon.running(lambda: False)
