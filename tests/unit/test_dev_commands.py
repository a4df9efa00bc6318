"""Long commands of others: their output, their failure, and their end when we are interrupted."""

import os
import select
import sys
import threading
import time
from pathlib import Path

import pytest

from dev import commands, lanes
from dev.errors import EngineError


@pytest.fixture(autouse=True)
def _own_home(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("MCP_FLEET_HOME", str(tmp_path))


def test_lines_are_told_as_they_come_and_kept_in_the_log(tmp_path: Path) -> None:
    lines: list[str] = []
    code = "import sys; print('one'); print('two', file=sys.stderr); print()"
    commands.run([sys.executable, "-c", code], name="count", on_line=lines.append)
    assert sorted(lines) == ["one", "two"]
    assert "one\n" in (tmp_path / "run" / "count.log").read_text()


def test_a_failure_shows_the_last_lines_and_where_the_rest_is(tmp_path: Path) -> None:
    code = "print(*range(100), sep='\\n'); raise SystemExit(3)"
    with pytest.raises(EngineError) as failed:
        commands.run([sys.executable, "-c", code], name="build")
    told = str(failed.value)
    assert "ended with status 3" in told
    assert "    99\n" in told
    assert "    50\n" not in told
    assert str(tmp_path / "run" / "build.log") in told


def test_a_missing_command_is_named() -> None:
    with pytest.raises(EngineError, match="no-such-program: not found on PATH, needed for trying"):
        commands.run(["no-such-program"], name="trying")


def test_output_is_none_where_there_is_no_answer() -> None:
    assert commands.output([sys.executable, "-c", "print(' yes ')"]) == "yes"
    assert commands.output([sys.executable, "-c", "raise SystemExit(1)"]) is None
    assert commands.output([sys.executable, "-c", "import time; time.sleep(9)"], timeout=0.1) is None
    assert commands.output(["no-such-program"]) is None


def test_the_first_failure_ends_what_the_others_run_with_their_children(tmp_path: Path) -> None:
    started = tmp_path / "pid"
    child = f"import os, pathlib, time; pathlib.Path({str(started)!r}).write_text(str(os.getpid())); time.sleep(60)"
    parent = f"import subprocess, sys; subprocess.run([sys.executable, '-c', {child!r}])"

    def fail() -> None:
        deadline = time.monotonic() + 10
        while not (started.exists() and started.read_text()) and time.monotonic() < deadline:
            threading.Event().wait(0.01)
        raise EngineError("the disk is full")

    with pytest.raises(EngineError, match="the disk is full"):
        lanes.run_all(fail, lambda: commands.run([sys.executable, "-c", parent], name="slow"))
    assert _ended(int(started.read_text()))


def _ended(pid: int) -> bool:
    """Whether the process ends within five seconds: a killed one takes a moment."""
    try:
        process = os.pidfd_open(pid)
    except ProcessLookupError:
        return True
    try:
        return bool(select.select([process], [], [], 5.0)[0])
    finally:
        os.close(process)
