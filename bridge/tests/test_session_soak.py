"""Sessions that are opened and abandoned, in every way that clients have: afterwards everything is as it was."""

import json
import socket
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import pytest

from bridge.tests.rig import HTTP, SERVERS, Bridge, bridge, post
from bridge.tests.test_isolation_ends import OPENING, reset

CLIENTS = 8
EXPIRED = 404
"""A busy machine may need a second from one request to the next."""

CHILDREN = 64
WARM_UP = 100
SETTLE_SECONDS = 30.0
GROWTH_BYTES = 2 * 1024 * 1024
"""What the allocator may keep; a hundred bytes a session would exceed it in the long run."""

SMALL_SERVER = (sys.executable, "-I", "-S", str(SERVERS / "session_era.py"))
MODES = {
    "shared": ("--mode", "shared"),
    "isolated": ("--mode", "isolated", "--max-children", str(CHILDREN), "--pool", "2"),
}


@dataclass(frozen=True)
class Held:
    """What a bridge holds: processes, dead or alive, file descriptors, and resident bytes of its own."""

    processes: int
    descriptors: int
    resident: int


def held(running: Bridge) -> Held:
    parent = running.process.pid
    children = 0
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                children += int((entry / "stat").read_text().rpartition(")")[2].split()[1]) == parent
            except (FileNotFoundError, ProcessLookupError):
                continue
    status = Path(f"/proc/{parent}/status").read_text()
    resident = int(status.partition("VmRSS:")[2].split()[0]) * 1024
    return Held(children, len(list(Path(f"/proc/{parent}/fd").iterdir())), resident)


def open_one(running: Bridge) -> dict[str, str]:
    """Open a session; where there is no room, as soon as there is."""
    while True:
        answer = post(running, "initialize", OPENING)
        if answer.status_code == 200:
            return {"mcp-session-id": answer.headers["mcp-session-id"]}
        assert answer.status_code == 503, answer.text


def cut(running: Bridge, session: dict[str, str]) -> None:
    """Open the session's stream, and lose the connection."""
    connection = socket.create_connection(("127.0.0.1", running.port))
    lines = ["GET /mcp HTTP/1.1", "host: localhost", "accept: text/event-stream"]
    lines += [f"{name}: {value}" for name, value in session.items()]
    connection.sendall("\r\n".join([*lines, "", ""]).encode())
    assert int(connection.recv(4096).split()[1]) in (200, EXPIRED)
    reset(connection)


def abandon(running: Bridge, number: int) -> None:
    """Open a session, and leave it in one of the ways that there are."""
    session = open_one(running)
    if number % 3 == 0:
        assert HTTP.delete(running.mcp, headers=session).status_code in (200, EXPIRED)
    elif number % 3 == 1:
        cut(running, session)


def settle(running: Bridge, before: Held | None) -> Held:
    """Wait until the sessions are gone, with what hung on them; return what is held then."""
    deadline = time.monotonic() + SETTLE_SECONDS
    while running.health()[1]["metrics"]["sessions"]:
        assert time.monotonic() < deadline
    after = held(running)
    while before is not None and after.processes != before.processes and time.monotonic() < deadline:
        after = held(running)
    return after


def soak(mode: str, sessions: int) -> tuple[Held, Held]:
    with bridge(*SMALL_SERVER, options=(*MODES[mode], "--session-seconds", "1")) as running:
        running.wait_ready()
        with ThreadPoolExecutor(CLIENTS) as pool:
            list(pool.map(lambda number: abandon(running, number), range(WARM_UP)))
            before = settle(running, None)
            before = settle(running, Held(1 if mode == "shared" else 3, before.descriptors, before.resident))
            list(pool.map(lambda number: abandon(running, number), range(sessions)))
            after = settle(running, before)
        print(json.dumps({"mode": mode, "sessions": sessions, "before": vars(before), "after": vars(after)}))
        return before, after


def assert_nothing_is_left(before: Held, after: Held) -> None:
    assert after.processes == before.processes
    assert after.descriptors <= before.descriptors
    assert after.resident - before.resident < GROWTH_BYTES


@pytest.mark.timeout(180)
@pytest.mark.parametrize("mode", ["shared", "isolated"])
def test_five_hundred_abandoned_sessions_leave_nothing(mode: str) -> None:
    assert_nothing_is_left(*soak(mode, 500))


@pytest.mark.long
@pytest.mark.timeout(3600)
@pytest.mark.parametrize("mode", ["shared", "isolated"])
def test_ten_thousand_abandoned_sessions_leave_nothing(mode: str) -> None:
    assert_nothing_is_left(*soak(mode, 10_000))
