"""How the children of sessions come and go: the pool, the bound, and every way in which a session ends."""

import json
import os
import signal
import socket
import struct
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

from bridge.tests.rig import (
    DEADLINE_SECONDS,
    HTTP,
    Bridge,
    alive,
    bridge,
    group_of,
    open_session,
    post,
    server,
    text_of,
)
from bridge.tests.test_breaker import call
from bridge.tests.test_isolation import ISOLATED, pids

NO_POOL = (*ISOLATED, "--pool", "0")
OPENING = {"protocolVersion": "2025-11-25", "capabilities": {}, "clientInfo": {"name": "test", "version": "1"}}


def pid_of(running: Bridge, session: dict[str, str]) -> int:
    return int(text_of(call(running, "pid", session)))


def wait_gone(pid: int) -> None:
    deadline = time.monotonic() + DEADLINE_SECONDS
    while group_of(pid) or alive(pid):
        assert time.monotonic() < deadline, f"{pid} is still there"


def wait_children(running: Bridge, count: int) -> list[int]:
    deadline = time.monotonic() + DEADLINE_SECONDS
    while len(found := pids(running)) != count:
        assert time.monotonic() < deadline, f"{len(found)} children instead of {count}"
    return found


def reset(connection: socket.socket) -> None:
    """Close a connection by RST."""
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    connection.close()


@contextmanager
def flagged(folder: Path, statement: str, *options: str) -> Iterator[tuple[Bridge, Path]]:
    """Run a bridge whose later children run `statement` first, in which FLAG is a path that the test makes."""
    flag = folder / "flag"
    source = (Path(__file__).parent / "servers" / "session_era.py").read_text()
    program = folder / "flagged.py"
    begin = "def main() -> None:\n"
    program.write_text(source.replace(begin, f"{begin}    {statement.replace('FLAG', repr(str(flag)))}\n", 1))
    with bridge(sys.executable, str(program), options=(*NO_POOL, *options)) as running:
        running.wait_ready()
        yield running, flag


# The end of a session


def test_delete_ends_the_sessions_child_with_its_whole_group() -> None:
    with bridge(*server("session_era"), options=NO_POOL) as running:
        running.wait_ready()
        session, other = open_session(running), open_session(running)
        pid = pid_of(running, session)
        follower = int(text_of(call(running, "cling", session)))
        assert sorted(group_of(pid)) == sorted([pid, follower])
        assert HTTP.delete(running.mcp, headers=session).status_code == 200
        wait_gone(pid)
        assert not alive(follower)
        assert post(running, "tools/list", headers=session).status_code == 404
        assert text_of(call(running, "echo", other, text="x")) == "x"


def test_expiry_ends_the_sessions_child() -> None:
    with bridge(*server("session_era"), options=(*NO_POOL, "--session-seconds", "1")) as running:
        running.wait_ready()
        pid = pid_of(running, open_session(running))
        wait_gone(pid)
        wait_children(running, 1)
        assert running.count("session_child_ended") == 0


def test_a_client_that_leaves_while_its_child_starts_leaves_nothing(tmp_path: Path) -> None:
    with flagged(tmp_path, "while os.path.exists(FLAG): pass") as (running, flag):
        flag.touch()
        body = json.dumps({"jsonrpc": "2.0", "id": 1, "method": "initialize", "params": OPENING}).encode()
        head = f"POST /mcp HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\ncontent-length: {len(body)}"
        leaving = [socket.create_connection(("127.0.0.1", running.port)) for _ in range(3)]
        for connection in leaving:
            connection.sendall(head.encode() + b"\r\n\r\n" + body)
        wait_children(running, 1 + len(leaving))
        for connection in leaving:
            reset(connection)
        flag.unlink()
        wait_children(running, 1)
        assert running.health()[1]["metrics"]["sessions"] == 0


def test_a_child_that_hangs_ends_with_its_session_and_one_that_works_does_not(tmp_path: Path) -> None:
    options = (*NO_POOL, "--ping-seconds", "0.2")
    with bridge(*server("session_era"), options=options) as running, ThreadPoolExecutor(1) as pool:
        running.wait_ready()
        working, hanging, other = (open_session(running) for _ in range(3))
        pid = pid_of(running, hanging)
        silent = pool.submit(call, running, "block", working, until=str(tmp_path / "end"))
        os.kill(pid, signal.SIGSTOP)
        ended = running.wait_for("session_child_ended")
        assert (ended["pid"], "3 pings" in ended["reason"]) == (pid, True)
        wait_gone(pid)
        assert call(running, "count", hanging).status_code == 404
        assert text_of(call(running, "echo", other, text="x")) == "x"
        (tmp_path / "end").touch()
        assert text_of(silent.result()) == "done"
        assert running.count("session_child_ended") == 1


def test_a_child_that_dies_fails_its_calls_and_its_session_is_gone() -> None:
    with bridge(*server("session_era"), options=NO_POOL) as running, ThreadPoolExecutor(2) as pool:
        running.wait_ready()
        session, other = open_session(running), open_session(running)
        call(running, "mute", session)
        held = pool.submit(call, running, "hold", session, name="doomed")
        listing = pool.submit(post, running, "tools/list", headers=session, number="list")
        while running.health()[1]["metrics"]["in_flight"] < 2:
            pass
        os.kill(pid_of(running, session), signal.SIGKILL)
        for answer in (held.result(), listing.result()):
            assert answer.json()["error"]["code"] == -32000
        gone = call(running, "count", session)
        assert gone.status_code == 404
        assert "initialize again" in gone.json()["error"]["message"]
        assert text_of(call(running, "echo", other, text="x")) == "x"
        assert running.health()[0] == 200
        assert "SIGKILL" in running.wait_for("session_child_ended")["reason"]


def test_sigterm_leaves_no_child_of_any_session() -> None:
    with bridge(*server("session_era"), options=ISOLATED) as running:
        running.wait_ready()
        homes = [pid_of(running, open_session(running)) for _ in range(3)]
        everyone = pids(running)
        assert set(homes) < set(everyone)
        assert running.stop() == 0
        for pid in everyone:
            wait_gone(pid)


# The pool and the bound


def test_a_session_gets_a_child_that_was_started_ahead() -> None:
    with bridge(*server("session_era"), options=(*ISOLATED, "--pool", "2")) as running:
        running.wait_ready()
        _, *spares = wait_children(running, 3)
        assert pid_of(running, open_session(running)) in spares
        assert len(wait_children(running, 4)) == 4


def test_a_spare_that_dies_is_replaced() -> None:
    with bridge(*server("session_era"), options=ISOLATED) as running:
        running.wait_ready()
        _, spare = wait_children(running, 2)
        os.kill(spare, signal.SIGKILL)
        running.wait_for("session_child_failed")
        _, successor = wait_children(running, 2)
        assert successor != spare
        assert pid_of(running, open_session(running)) == successor


def test_where_there_is_room_for_no_more_a_session_is_refused_until_another_ends() -> None:
    options = (*NO_POOL, "--max-children", "2", "--session-seconds", "600")
    with bridge(*server("session_era"), options=options) as running:
        running.wait_ready()
        sessions = [open_session(running) for _ in range(2)]
        refused = post(running, "initialize", OPENING)
        assert (refused.status_code, refused.headers["retry-after"]) == (503, "2")
        assert refused.json()["error"]["code"] == -32001
        assert "All 2 processes" in refused.json()["error"]["message"]
        assert text_of(call(running, "echo", text="stateless")) == "stateless"
        HTTP.delete(running.mcp, headers=sessions[0])
        # At once, although the child of the one before needs a moment to end.
        assert text_of(call(running, "count", open_session(running))) == "1"


def test_a_session_that_is_quiet_gives_way_to_a_new_one() -> None:
    options = (*NO_POOL, "--max-children", "2", "--session-seconds", "4")
    with bridge(*server("session_era"), options=options) as running:
        running.wait_ready()
        quiet, listening = open_session(running), open_session(running)
        with HTTP.stream("GET", running.mcp, headers={**listening, "accept": "text/event-stream"}):
            deadline = time.monotonic() + DEADLINE_SECONDS
            while (answer := post(running, "initialize", OPENING)).status_code != 200:
                assert time.monotonic() < deadline
            assert running.count("session_gave_way") == 1
            assert call(running, "count", quiet).status_code == 404
            assert text_of(call(running, "count", listening)) == "1"
            assert answer.headers["mcp-session-id"] not in (quiet["mcp-session-id"], listening["mcp-session-id"])


def test_children_that_do_not_come_up_open_the_breaker_for_sessions_alone(tmp_path: Path) -> None:
    options = ("--breaker-seconds", "5")
    with flagged(tmp_path, "if os.path.exists(FLAG): sys.exit('no licence left')", *options) as (running, flag):
        flag.touch()
        for _ in range(5):
            refused = post(running, "initialize", OPENING)
            assert refused.status_code == 503
            assert "no licence left" in refused.json()["error"]["message"]
        refused = post(running, "initialize", OPENING)
        assert "failed to start too often" in refused.json()["error"]["message"]
        assert 1 <= int(refused.headers["retry-after"]) <= 5
        assert text_of(call(running, "echo", text="the shared one serves")) == "the shared one serves"
        flag.unlink()
        while post(running, "initialize", OPENING).status_code == 503:
            pass
        assert text_of(call(running, "echo", open_session(running), text="x")) == "x"
