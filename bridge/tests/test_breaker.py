"""A child that fails again and again: who is told what, and when it is tried again."""

import itertools
import os
import signal
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx2
import pytest
from mcp_bridge.processes.breaker import Breaker, BreakerState

from bridge.tests.rig import DEADLINE_SECONDS, HTTP, Bridge, bridge, open_session, post, server, text_of

NUMBERS = itertools.count(1)
OPTIONS = ("--breaker-seconds", "4")


def call(running: Bridge, name: str, /, headers: dict[str, str] | None = None, **arguments: Any) -> httpx2.Response:
    params = {"name": name, "arguments": arguments}
    return post(running, "tools/call", params, number=next(NUMBERS), modern=headers is None, headers=headers)


def breaker_state(running: Bridge) -> int:
    lines = HTTP.get(f"{running.url}/metrics").text.splitlines()
    return int(float(next(line for line in lines if line.startswith("mcp_circuit_breaker_state{")).split()[-1]))


def crash(running: Bridge, times: int) -> None:
    for _ in range(times):
        assert call(running, "crash").json()["error"]["code"] == -32000


def test_five_failures_open_it_and_every_caller_is_turned_away_at_once() -> None:
    with bridge(*server("session_era"), options=OPTIONS) as running:
        running.wait_ready()
        session = open_session(running)
        assert breaker_state(running) == 0
        crash(running, 5)
        began = time.monotonic()
        answers = [
            call(running, "echo", text="x"),
            call(running, "echo", session, text="x"),
            post(running, "initialize", {"protocolVersion": "2025-11-25", "capabilities": {}, "clientInfo": {}}),
        ]
        assert time.monotonic() - began < 2
        for answer in answers:
            assert answer.status_code == 503
            assert 1 <= int(answer.headers["retry-after"]) <= 4
            error = answer.json()["error"]
            assert error["code"] == -32001
            assert "left alone for a while" in error["message"]
            assert "crashing as told" in error["message"]
        assert breaker_state(running) == 2
        assert running.health()[0] == 503
        running.stop()
        running.wait_for("stopped")
        turned_away = [line for line in running.lines if line["event"] == "call" and line["outcome"] == "-32001"]
        assert [(line["method"], line["tool"]) for line in turned_away] == [
            ("tools/call", "echo"),
            ("tools/call", "echo"),
            ("other", ""),
        ]


def test_after_the_pause_it_is_half_open_and_one_more_failure_opens_it_again() -> None:
    with bridge(*server("session_era"), options=OPTIONS) as running:
        running.wait_ready()
        crash(running, 5)
        refused = call(running, "echo", text="x")
        assert refused.status_code == 503
        running.wait_for("child_ready", lambda line: running.count("child_ready") == 6)
        assert breaker_state(running) == 1
        assert text_of(call(running, "echo", text="back")) == "back"
        crash(running, 1)
        assert call(running, "echo", text="x").status_code == 503
        assert breaker_state(running) == 2


def test_failures_that_are_far_apart_leave_it_closed_and_a_steady_child_closes_it() -> None:
    breaker = Breaker(60.0)
    for now in range(0, 100, 20):
        breaker.failed(now)
    assert breaker.state(100) is BreakerState.CLOSED
    for now in range(100, 104):
        breaker.failed(now)
    assert breaker.state(104) is BreakerState.OPEN
    assert breaker.remaining(104) == 58
    assert breaker.state(163) is BreakerState.HALF_OPEN
    breaker.came_up(165)
    assert breaker.state(170) is BreakerState.HALF_OPEN
    assert breaker.state(176) is BreakerState.CLOSED
    breaker.failed(177)
    assert breaker.state(177) is BreakerState.CLOSED


# What was in flight


@pytest.mark.parametrize("modern", [True, False])
def test_a_list_is_put_to_the_next_child_and_a_tool_call_never_is(modern: bool) -> None:
    with bridge(*server("session_era")) as running, ThreadPoolExecutor(2) as pool:
        running.wait_ready()
        headers = None if modern else open_session(running)
        pid = int(text_of(call(running, "pid")))
        call(running, "mute")
        listing = pool.submit(
            post,
            running,
            "tools/list",
            {"_meta": {"progressToken": "p"}},
            number="mine",
            headers=headers,
            modern=modern,
        )
        held = pool.submit(call, running, "hold", headers, name="doomed")
        deadline = time.monotonic() + DEADLINE_SECONDS
        while running.health()[1]["metrics"]["in_flight"] < 2:
            assert time.monotonic() < deadline
        os.kill(pid, signal.SIGKILL)
        answer = listing.result().json()
        assert answer["id"] == "mine"
        assert "echo" in [tool["name"] for tool in answer["result"]["tools"]]
        assert held.result().json()["error"]["code"] == -32000
        assert int(text_of(call(running, "pid"))) != pid
