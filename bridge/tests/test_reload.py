"""Options that change without a restart: a file that is read again on SIGHUP, and when it changes."""

import json
import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import FIRST_COMPLETED, ThreadPoolExecutor, wait
from contextlib import suppress
from pathlib import Path
from typing import Any

import httpx2
import msgspec
import pytest
from hypothesis import strategies as st
from mcp_bridge.reload import Changeable, ReloadError, ReloadFile

from bridge.tests.cases import cases
from bridge.tests.rig import HTTP, Bridge, bridge, eventually, open_session, post, server, text_of, tool

INITIALIZE = {"protocolVersion": "2025-11-25", "capabilities": {}, "clientInfo": {"name": "t", "version": "1"}}


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "limits.json"
    path.write_text("{}")
    return path


@pytest.fixture
def running(file: Path) -> Iterator[Bridge]:
    with bridge(*server("session_era"), options=("--reload-file", str(file))) as found:
        found.wait_ready()
        yield found


def call(running: Bridge, name: str, /, **arguments: Any) -> httpx2.Response:
    return post(running, "tools/call", tool(name, **arguments), modern=True)


def wait_for_figures(running: Bridge, *, in_flight: int, waiting: int) -> None:
    """Wait until so many calls are with the server, and so many wait."""
    wanted = {"mcp_requests_in_flight": in_flight, "mcp_queue_depth": waiting}

    def reached() -> bool:
        page = HTTP.get(f"{running.url}/metrics").text
        found = {name: int(value) for name, value in re.findall(r"^(\w+)\{.*\} (\d+)\.0$", page, re.MULTILINE)}
        return wanted.items() <= found.items()

    eventually(reached, str(wanted))


def change(running: Bridge, file: Path, text: str, event: str = "reloaded") -> dict[str, Any]:
    """Replace the file, and wait until the bridge says what it made of it."""
    before = len(running.lines)
    other = file.with_suffix(".new")
    other.write_text(text)
    other.replace(file)
    return running.wait_for(event, lambda line: line in running.lines[before:])


def test_limits_change_and_sessions_go_on(running: Bridge, file: Path) -> None:
    session = open_session(running)
    said = change(running, file, '{"max-body-bytes": 300, "max-sessions": 1, "session-seconds": 3600}')
    assert (said["max-body-bytes"], said["max-sessions"], said["session-seconds"]) == (300, 1, 3600)
    assert post(running, "tools/list", headers=session).status_code == 200
    assert post(running, "initialize", INITIALIZE).status_code == 503
    large = {"name": "echo", "arguments": {"text": "x" * 300}}
    assert post(running, "tools/call", large, headers=session).status_code == 413
    change(running, file, "{}")
    assert post(running, "tools/call", large, headers=session).status_code == 200
    assert post(running, "initialize", INITIALIZE).status_code == 200


def test_sessions_end_by_the_new_idle_time(running: Bridge, file: Path) -> None:
    session = open_session(running)
    change(running, file, '{"session-seconds": 0.1}')
    while running.health()[1]["metrics"]["sessions"]:
        os.sched_yield()
    assert post(running, "tools/list", headers=session).status_code == 404


def test_waiting_calls_go_on_or_are_refused_by_the_new_limits(running: Bridge, file: Path, tmp_path: Path) -> None:
    ends = [tmp_path / "first", tmp_path / "second"]
    change(running, file, '{"max-concurrent": 1}')
    with ThreadPoolExecutor() as pool:
        first, second = (pool.submit(call, running, "block", until=str(end)) for end in ends)
        wait_for_figures(running, in_flight=1, waiting=1)
        assert change(running, file, '{"max-concurrent": 1, "max-queue": 0}')["max-queue"] == 0
        [refused] = [call.result() for call in wait([first, second], return_when=FIRST_COMPLETED).done]
        assert refused.status_code == 429
        change(running, file, '{"max-concurrent": 1}')
        third = pool.submit(call, running, "echo", text="third")
        wait_for_figures(running, in_flight=1, waiting=1)
        change(running, file, '{"max-concurrent": 0}')
        wait_for_figures(running, in_flight=2, waiting=0)
        for end in ends:
            end.touch()
        assert text_of(third.result()) == "third"


def test_fewer_results_are_kept(file: Path) -> None:
    with bridge(*server("session_era"), options=("--reload-file", str(file), "--cache", "memory")) as running:
        running.wait_ready()
        assert [text_of(call(running, "look", at=at)) for at in (1, 2, 1, 2)] == ["1", "2", "1", "2"]
        change(running, file, '{"cache-entries": 1}')
        assert text_of(call(running, "look", at=2)) == "2"
        assert text_of(call(running, "look", at=1)) == "3"


def test_the_log_level_changes(running: Bridge, file: Path) -> None:
    change(running, file, '{"log-level": "debug"}')
    headers = {"x-request-id": "now-logged"}
    post(running, "tools/call", {"name": "echo", "arguments": {"text": "x"}}, modern=True, headers=headers)
    assert running.wait_for("call", lambda line: line["request_id"] == "now-logged")


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ('{"max-sessions": 0}', "max-sessions"),
        ('{"max-sessions": "many"}', "max-sessions"),
        ('{"max-body-bytes": 1.5}', "max-body-bytes"),
        ('{"session-seconds": -1}', "session-seconds"),
        ('{"max-concurrent": -1}', "max-concurrent"),
        ('{"max-queue": -1}', "max-queue"),
        ('{"cache-entries": 0}', "cache-entries"),
        ('{"log-level": "loud"}', "log-level"),
        ('{"max_sessions": 5}', "max_sessions"),
        ('{"max-sessions": 5', "truncated"),
        ("[]", "object"),
    ],
)
def test_a_bad_file_changes_nothing_and_says_where_and_why(file: Path, text: str, why: str) -> None:
    applied: list[Changeable] = []
    file.write_text(text)
    with pytest.raises(ReloadError, match=why) as caught:
        ReloadFile(file, applied.append).load()
    assert str(file) in str(caught.value)
    assert applied == []


def test_a_bad_file_or_none_leaves_a_running_bridge_as_it_is(running: Bridge, file: Path) -> None:
    change(running, file, '{"max-sessions": 1}')
    open_session(running)
    assert "max-sessions" in change(running, file, '{"max-sessions": -5}', "not_reloaded")["reason"]
    assert post(running, "initialize", INITIALIZE).status_code == 503
    before = len(running.lines)
    file.unlink()
    gone = running.wait_for("not_reloaded", lambda line: line in running.lines[before:])
    assert gone["reason"] == f"{file}: No such file or directory"
    assert post(running, "initialize", INITIALIZE).status_code == 503
    change(running, file, "{}")
    assert post(running, "initialize", INITIALIZE).status_code == 200


def test_sighup_reads_the_file_again(running: Bridge) -> None:
    before = running.count("reloaded")
    running.process.send_signal(signal.SIGHUP)
    running.wait_for("reloaded", lambda _: running.count("reloaded") > before)
    assert running.health()[0] == 200


def test_a_bridge_does_not_start_on_a_bad_file(file: Path) -> None:
    file.write_text('{"max-sessions": 0}')
    command = [sys.executable, "-m", "mcp_bridge", "--port", "0", "--reload-file", str(file), "--", *server("hang")]
    ended = subprocess.run(command, capture_output=True, text=True, timeout=20, check=False)
    assert ended.returncode == 1
    assert str(file) in ended.stderr
    assert "max-sessions" in ended.stderr
    assert "Traceback" not in ended.stderr


JSON = st.recursive(st.none() | st.booleans() | st.floats() | st.text(), st.lists, max_leaves=3)
KEYS = st.sampled_from(sorted(field.encode_name for field in msgspec.structs.fields(Changeable))) | st.text()


@cases(st.binary() | st.dictionaries(KEYS, JSON).map(lambda value: json.dumps(value).encode()))
def test_no_content_does_more_than_be_refused(tmp_path_factory: pytest.TempPathFactory, content: bytes) -> None:
    path = tmp_path_factory.mktemp("reload") / "limits.json"
    path.write_bytes(content)
    applied: list[Changeable] = []
    with suppress(ReloadError):
        ReloadFile(path, applied.append).load()
    assert all(value is None or value > 0 for found in applied for value in (found.max_body_bytes, found.max_sessions))
