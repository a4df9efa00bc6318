"""Several children for everybody: who goes where, and what one of them takes along when it dies."""

import json
import os
import signal
from concurrent.futures import ThreadPoolExecutor

from bridge.tests.rig import HTTP, META, Bridge, bridge, open_session, post, server, text_of
from bridge.tests.test_breaker import call

WORKERS = ("--workers", "3")


def pids(running: Bridge) -> set[int]:
    return set(running.health()[1]["dependencies"]["child"]["pids"])


def wait_up(running: Bridge, children: int) -> None:
    running.wait_for("child_ready", lambda _: running.count("child_ready") == children)


def test_a_session_stays_with_one_child_and_sessions_are_spread() -> None:
    with bridge(*server("session_era"), options=WORKERS) as running:
        wait_up(running, 3)
        sessions = [open_session(running) for _ in range(6)]
        homes = [text_of(call(running, "pid", session)) for session in sessions]
        assert {homes.count(home) for home in homes} == {2}
        assert {int(home) for home in homes} == pids(running)
        assert [text_of(call(running, "count", sessions[0])) for _ in range(3)] == ["1", "2", "3"]
        assert [text_of(call(running, "pid", session)) for session in sessions] == homes


def test_stateless_requests_go_to_the_child_with_the_least_in_flight() -> None:
    with bridge(*server("session_era"), options=WORKERS) as running, ThreadPoolExecutor(3) as pool:
        wait_up(running, 3)
        # Each of these stays where it is, so the next one must go elsewhere.
        held = []
        for name in ("one", "two"):
            held.append(pool.submit(call, running, "hold", name=name))
            while running.health()[1]["metrics"]["in_flight"] < len(held):
                pass
        free = {int(text_of(call(running, "pid"))) for _ in range(5)}
        assert len(free) == 1
        for pid in pids(running) - free:
            os.kill(pid, signal.SIGKILL)
        assert [answer.result().json()["error"]["code"] for answer in held] == [-32000, -32000]


def test_a_dead_child_takes_only_its_own_calls_with_it() -> None:
    with bridge(*server("session_era"), options=WORKERS) as running, ThreadPoolExecutor(3) as pool:
        wait_up(running, 3)
        sessions = [open_session(running) for _ in range(3)]
        homes = [int(text_of(call(running, "pid", session))) for session in sessions]
        held = [pool.submit(call, running, "hold", session, name="it") for session in sessions]
        for session in sessions:
            while "it" not in text_of(call(running, "held", session)):
                pass
        os.kill(homes[0], signal.SIGKILL)
        assert held[0].result().json()["error"]["code"] == -32000
        assert running.health()[0] == 200
        assert text_of(call(running, "echo", text="others serve")) == "others serve"
        for session, waiting in list(zip(sessions, held, strict=True))[1:]:
            call(running, "release", session, name="it")
            assert text_of(waiting.result()) == "released it"
        assert text_of(call(running, "echo", sessions[0], text="again")) == "again"
        assert running.health()[1]["metrics"]["restarts"] == 1


def test_a_change_in_any_child_reaches_those_whom_it_concerns() -> None:
    with bridge(*server("session_era"), options=WORKERS) as running:
        wait_up(running, 3)
        here, elsewhere = open_session(running), open_session(running)
        for session in (here, elsewhere):
            post(running, "resources/subscribe", {"uri": "test://one"}, headers=session)
        params = {"notifications": {"resourceSubscriptions": ["test://one"], "toolsListChanged": True}, "_meta": META}
        request = {"jsonrpc": "2.0", "id": "s", "method": "subscriptions/listen", "params": params}
        headers = {
            "accept": "text/event-stream",
            "mcp-protocol-version": "2026-07-28",
            "mcp-method": "subscriptions/listen",
        }
        streams = [
            HTTP.stream("GET", running.mcp, headers={**session, "accept": "text/event-stream"})
            for session in (here, elsewhere)
        ]
        with (
            HTTP.stream("POST", running.mcp, json=request, headers=headers) as listening,
            streams[0] as mine,
            streams[1] as other,
        ):
            told = (json.loads(line[6:]) for line in listening.iter_lines() if line.startswith("data: {"))
            assert next(told)["method"] == "notifications/subscriptions/acknowledged"
            call(running, "update", here, uri="test://one")
            call(running, "change", elsewhere)
            assert {next(told)["method"] for _ in range(2)} == {
                "notifications/resources/updated",
                "notifications/tools/list_changed",
            }
            first = [
                next(json.loads(line[6:])["method"] for line in stream.iter_lines() if line.startswith("data: {"))
                for stream in (mine, other)
            ]
            assert first == ["notifications/resources/updated", "notifications/tools/list_changed"]
