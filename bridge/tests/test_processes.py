"""The child's life: how it starts, fails, dies, is replaced, and goes."""

import json
import os
import signal
import socket
import sys
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx2
import pytest

from bridge.tests.rig import (
    DEADLINE_SECONDS,
    HTTP,
    META,
    Bridge,
    alive,
    bridge,
    events,
    group_of,
    open_session,
    post,
    server,
    text_of,
)


def call(running: Bridge, name: str, /, **arguments: Any) -> httpx2.Response:
    return post(running, "tools/call", {"name": name, "arguments": arguments}, modern=True)


def wait_held(running: Bridge, name: str) -> None:
    for _ in range(500):
        if name in text_of(call(running, "held")):
            return
    raise AssertionError(f"{name} was never held")


def gone(pids: list[int]) -> bool:
    """Wait until processes have ended."""
    deadline = time.monotonic() + DEADLINE_SECONDS
    while time.monotonic() < deadline:
        if not any(map(alive, pids)):
            return True
        os.sched_yield()
    return False


# Dying


def test_a_call_in_flight_fails_at_once_when_the_child_is_killed() -> None:
    with bridge(*server("session_era")) as running, ThreadPoolExecutor(2) as pool:
        running.wait_ready()
        session = open_session(running)
        pid = running.health()[1]["dependencies"]["child"]["pids"][0]
        params = {"name": "hold", "arguments": {"name": "doomed"}}
        modern = pool.submit(post, running, "tools/call", params, modern=True)
        old = pool.submit(post, running, "tools/call", params, headers=session)
        wait_held(running, "doomed")
        os.kill(pid, signal.SIGKILL)
        for answer in (modern.result(), old.result()):
            error = answer.json()["error"]
            assert error["code"] == -32000
            assert "SIGKILL" in error["message"]
        # The next call waits for the new child and succeeds, in the same session too.
        assert (
            text_of(post(running, "tools/call", {"name": "echo", "arguments": {"text": "x"}}, headers=session)) == "x"
        )
        status, health = running.health()
        assert (status, health["metrics"]["restarts"]) == (200, 1)
        assert health["dependencies"]["child"]["pids"] != [pid]


def test_subscriptions_survive_a_restart() -> None:
    with bridge(*server("session_era")) as running:
        running.wait_ready()
        session = open_session(running)
        post(running, "resources/subscribe", {"uri": "test://one"}, headers=session)
        post(running, "logging/setLevel", {"level": "error"}, headers=session)
        call(running, "crash")
        stream = {**session, "accept": "text/event-stream"}
        with HTTP.stream("GET", running.mcp, headers=stream) as response:
            said = text_of(
                post(
                    running,
                    "tools/call",
                    {"name": "log", "arguments": {"level": "debug", "text": "x"}},
                    headers={**session, "accept": "application/json"},
                )
            )
            call(running, "update", uri="test://one")
            told = next(event.data for event in events(response) if event.data)
        assert said == "level is error"
        assert told["method"] == "notifications/resources/updated"


def test_a_child_that_crashes_by_itself_says_why() -> None:
    with bridge(*server("session_era")) as running:
        running.wait_ready()
        assert call(running, "crash").json()["error"]["code"] == -32000
        failed = running.wait_for("child_failed")
        assert "it exited with status 3" in failed["reason"]
        assert "crashing as told" in failed["reason"]
        assert text_of(call(running, "echo", text="again")) == "again"


# Starting


def test_a_program_that_does_not_exist_ends_the_bridge_with_the_reason() -> None:
    with bridge("no-such-program-here") as running:
        assert running.process.wait(DEADLINE_SECONDS) == 1
        last = running.wait_for("gave_up")
        assert "no-such-program-here" in last["reason"]
        assert running.lines[-1] == last


def test_a_child_that_crashes_at_start_is_given_up_with_its_last_words() -> None:
    command = (sys.executable, "-c", "import sys; sys.exit('MY_TOKEN is not set')")
    with bridge(*command) as running:
        running.wait_for("child_failed")
        status, health = running.health()
        assert (status, health["status"]) == (503, "unhealthy")
        assert "MY_TOKEN is not set" in health["reason"]
        assert HTTP.get(f"{running.url}/ready").status_code == 503
        refused = post(running, "tools/list", modern=True)
        assert (refused.status_code, refused.json()["error"]["code"]) == (503, -32001)
        assert refused.headers["retry-after"] == "2"
        assert running.process.wait(DEADLINE_SECONDS) == 1
        assert running.count("child_failed") == 4
        assert "MY_TOKEN is not set" in running.wait_for("gave_up")["reason"]


@pytest.mark.parametrize(
    ("name", "reason"),
    [("hang", "last stderr lines: waiting for a licence server"), ("rubbish", "Welcome to my server! (0)")],
)
def test_a_child_that_never_answers_fails_at_its_deadline(name: str, reason: str) -> None:
    with bridge(*server(name), options=("--start-seconds", "1")) as running:
        started = running.wait_for("child_started")
        failed = running.wait_for("child_failed")
        assert "no answer within 1 s" in failed["reason"]
        assert reason in failed["reason"]
        assert not group_of(started["pid"])
        status, health = running.health()
        assert status == 503
        assert reason in health["reason"]


def test_a_server_that_offers_nothing_is_not_healthy(tmp_path: Path) -> None:
    source = (Path(__file__).parent / "servers" / "session_era.py").read_text()
    empty = tmp_path / "empty.py"
    without_tools = source.replace('return {"tools": TOOLS}', 'return {"tools": []}')
    empty.write_text(without_tools.replace('[{"uri": "test://one", "name": "one"}]', "[]"))
    with bridge(sys.executable, str(empty)) as running:
        running.wait_ready()
        status, health = running.health()
        assert status == 503
        assert "no tools, no prompts and no resources" in health["reason"]


def test_a_child_that_dies_of_the_question_is_asked_the_older_one(tmp_path: Path) -> None:
    source = (Path(__file__).parent / "servers" / "session_era.py").read_text()
    touchy = tmp_path / "touchy.py"
    dying = 'case "server/discover":\n            os._exit(9)\n        case "ping":'
    touchy.write_text(source.replace('case "ping":', dying))
    with bridge(sys.executable, str(touchy)) as running:
        running.wait_ready()
        assert running.count("child_failed") == 1
        assert text_of(call(running, "echo", text="x")) == "x"


def test_a_child_that_falls_silent_at_the_question_is_started_once_more_without_it(tmp_path: Path) -> None:
    source = (Path(__file__).parent / "servers" / "session_era.py").read_text()
    deaf = tmp_path / "deaf.py"
    # As sessions of the MCP SDK 1.6.0: the process stays, and answers nothing any more.
    falling = 'case "server/discover":\n            print("Welcome", flush=True)\n            signal.pause()\n        '
    deaf.write_text(source.replace('case "ping":', f'{falling}case "ping":'))
    with bridge(sys.executable, str(deaf), options=("--start-seconds", "8")) as running:
        first = running.wait_for("child_started")
        assert "said nothing for 4 s" in running.wait_for("child_silent")["reason"]
        running.wait_ready()
        assert not group_of(first["pid"])
        assert running.count("child_silent") == 1
        assert running.count("child_failed") == 0
        assert text_of(call(running, "echo", text="x")) == "x"


def test_a_child_that_reads_late_is_slow_and_not_silent(tmp_path: Path) -> None:
    source = (Path(__file__).parent / "servers" / "session_era.py").read_text()
    slow = tmp_path / "slow.py"
    slow.write_text(source.replace("import time\n", "import time\n\ntime.sleep(6)  # longer than silence may last\n"))
    with bridge(sys.executable, str(slow), options=("--start-seconds", "15")) as running:
        running.wait_ready()
        assert running.count("child_started") == 1


# Talking nonsense


def test_stray_answers_and_rubbish_between_messages_do_no_harm(session_bridge: Bridge) -> None:
    assert text_of(call(session_bridge, "stray")) == "done"
    assert text_of(call(session_bridge, "echo", text="x")) == "x"


def test_an_answer_that_is_too_long_fails_its_own_call_only() -> None:
    with bridge(*server("session_era"), options=("--max-message-bytes", "100000")) as running:
        running.wait_ready()
        assert call(running, "big", bytes=200_000).json()["error"]["code"] == -32000
        assert len(text_of(call(running, "big", bytes=90_000))) == 90_000


# Secrets


def test_a_secret_reaches_the_child_and_appears_nowhere_else(tmp_path: Path) -> None:
    value = "hunter2-of-the-fleet"
    (tmp_path / "API_TOKEN").write_text(value + "\n")
    options = ("--secrets-dir", str(tmp_path))
    with bridge(*server("session_era"), options=options, environment={"MCP_BRIDGE_LOG_LEVEL": "debug"}) as running:
        running.wait_ready()
        assert text_of(call(running, "getenv", name="API_TOKEN")) == value
        names = json.loads(text_of(call(running, "environment")))
        assert not [name for name in names if name.startswith("MCP_BRIDGE_")]
        call(running, "shout", text=f"using {value} now")
        shouted = running.wait_for("child_stderr", lambda line: "using" in line["line"])
        assert shouted["line"] == "using *** now"
        call(running, "crash")
        call(running, "shout", text=value)
        pages = "".join(HTTP.get(f"{running.url}/{page}").text for page in ("health", "metrics", "ready"))
        environment = Path(f"/proc/{running.process.pid}/environ").read_text()
        arguments = Path(f"/proc/{running.process.pid}/cmdline").read_text()
        assert running.stop() == 0
        assert value not in "".join(running.raw) + pages + environment + arguments


def test_a_secret_in_the_last_words_of_a_child_is_masked(tmp_path: Path) -> None:
    (tmp_path / "API_TOKEN").write_text("hunter2-of-the-fleet")
    command = (sys.executable, "-c", "import os, sys; sys.exit('bad token ' + os.environ['API_TOKEN'])")
    with bridge(*command, options=("--secrets-dir", str(tmp_path))) as running:
        running.wait_for("child_failed")
        assert "bad token ***" in running.health()[1]["reason"]
        error = post(running, "tools/list", modern=True).json()["error"]
        assert "bad token ***" in error["message"]
        assert "hunter2" not in "".join(running.raw)


def test_a_shared_child_that_hangs_makes_the_replica_unhealthy_until_it_answers_again() -> None:
    with bridge(*server("session_era"), options=("--ping-seconds", "0.2")) as running:
        running.wait_ready()
        pid = running.health()[1]["dependencies"]["child"]["pids"][0]
        for number, status in ((signal.SIGSTOP, 503), (signal.SIGCONT, 200)):
            os.kill(pid, number)
            while running.health()[0] != status:
                os.sched_yield()
        assert running.health()[1]["dependencies"]["child"]["pids"] == [pid]


# Going


def test_sigterm_serves_what_is_in_flight_and_leaves_nothing() -> None:
    with bridge(*server("session_era")) as running, ThreadPoolExecutor(2) as pool:
        running.wait_ready()
        session = open_session(running)
        pids = group_of(running.health()[1]["dependencies"]["child"]["pids"][0])
        held = pool.submit(
            post, running, "tools/call", {"name": "hold", "arguments": {"name": "last"}}, headers=session
        )
        wait_held(running, "last")
        # Begun before: new connections are refused while it drains.
        release = begin_request(running, "release", "last")
        with HTTP.stream("GET", running.mcp, headers={**session, "accept": "text/event-stream"}) as response:
            running.process.send_signal(signal.SIGTERM)
            running.wait_for("draining")
            assert [event.data for event in events(response)] == [None]
        release()
        assert text_of(held.result()) == "released last"
        assert running.process.wait(DEADLINE_SECONDS) == 0
        assert gone(pids)


def begin_request(running: Bridge, name: str, argument: str) -> Callable[[], None]:
    """Send half a request; returns what sends the other half."""
    params = {"name": name, "arguments": {"name": argument}, "_meta": META}
    body = json.dumps({"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": params}).encode()
    head = (
        f"POST /mcp HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\ncontent-length: {len(body)}\r\n"
        f"mcp-protocol-version: 2026-07-28\r\nmcp-method: tools/call\r\nmcp-name: {name}\r\n\r\n"
    ).encode()
    connection = socket.create_connection(("127.0.0.1", running.port), timeout=DEADLINE_SECONDS)
    # Answered once, so that it is surely accepted before the bridge stops accepting.
    connection.sendall(b"GET /ready HTTP/1.1\r\nhost: localhost\r\n\r\n")
    assert b"200 OK" in connection.recv(65536)
    connection.sendall(head + body[:10])

    def finish() -> None:
        with connection:
            connection.sendall(body[10:])
            assert b"200 OK" in connection.recv(65536)

    return finish


def test_a_call_that_outlasts_the_drain_is_told_so() -> None:
    with bridge(*server("session_era"), options=("--drain-seconds", "0.5")) as running, ThreadPoolExecutor(1) as pool:
        running.wait_ready()
        held = pool.submit(call, running, "hold", name="forever")
        wait_held(running, "forever")
        assert running.stop() == 0
        answer = held.result()
        assert (answer.status_code, answer.json()["error"]["code"]) == (503, -32001)


def test_a_child_that_ignores_term_goes_with_its_whole_group() -> None:
    with bridge(*server("hang")) as running:
        leader = running.wait_for("child_started")["pid"]
        deadline = time.monotonic() + DEADLINE_SECONDS
        while len(group_of(leader)) < 2 and time.monotonic() < deadline:
            os.sched_yield()
        pids = group_of(leader)
        assert len(pids) == 2
        begun = time.monotonic()
        assert running.stop() == 0
        assert time.monotonic() - begun < 8
        assert gone(pids)
