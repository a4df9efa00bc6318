"""Equal requests at the same time: the server is asked once, and every client gets its answer."""

import os
import re
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx2
import pytest

from bridge.tests.rig import HTTP, Bridge, bridge, eventually, open_session, post, server, text_of, tool


@pytest.fixture
def caching() -> Iterator[Bridge]:
    options = ("--mode", "shared", "--cache", "memory")
    with bridge(*server("session_era"), options=options) as running:
        running.wait_ready()
        yield running


class Studies:
    """Equal calls of a tool that ends when `end` is called; the answer tells how often the server was asked."""

    def __init__(self, running: Bridge, folder: Path) -> None:
        self.running = running
        self.pool = ThreadPoolExecutor(8)
        self._end = folder / "end"

    def call(
        self, headers: dict[str, str] | None = None, *, timeout: float = 20, **more: Any
    ) -> Future[httpx2.Response]:
        """Call it, and wait until the call is with the server, or waits for an equal one."""
        before = self.under_way()
        params = tool("study", until=str(self._end), **more)
        future = self.pool.submit(
            post, self.running, "tools/call", params, number=7, headers=headers, modern=headers is None, timeout=timeout
        )
        self.wait_for(before + 1)
        return future

    def under_way(self) -> int:
        page = HTTP.get(f"{self.running.url}/metrics").text
        figures = re.findall(r"^mcp_(?:requests_in_flight|cache_waiting)\{.*\} (\d+)\.0$", page, re.MULTILINE)
        assert len(figures) == 2
        return sum(map(int, figures))

    def wait_for(self, wanted: int) -> None:
        eventually(lambda: self.under_way() == wanted, f"not {wanted} calls are under way")

    def end(self) -> None:
        self._end.touch()

    def asked(self) -> int:
        """Return how often the server was asked so far."""
        other = tool("study", until=str(self._end), other=True)
        return int(text_of(post(self.running, "tools/call", other, modern=True))) - 1


@pytest.fixture
def studies(caching: Bridge, tmp_path: Path) -> Iterator[Studies]:
    made = Studies(caching, tmp_path)
    yield made
    made.end()
    made.pool.shutdown()


def test_equal_calls_cause_one_and_each_client_is_answered_in_its_own_era(studies: Studies) -> None:
    session = open_session(studies.running)
    stateless = [studies.call() for _ in range(3)]
    in_session = studies.call(session)
    studies.end()
    assert [text_of(future.result()) for future in (*stateless, in_session)] == ["1"] * 4
    assert all(future.result().json()["result"]["resultType"] == "complete" for future in stateless)
    assert set(in_session.result().json()["result"]) == {"content", "isError"}
    assert studies.asked() == 1


def test_equal_lists_cause_one_for_all_clients(studies: Studies) -> None:
    before = int(text_of(post(studies.running, "tools/call", tool("lists"), modern=True)))
    busy = studies.call()
    lists = [studies.pool.submit(post, studies.running, "tools/list", modern=True) for _ in range(4)]
    studies.wait_for(5)
    studies.end()
    assert text_of(busy.result()) == "1"
    assert len({str(future.result().json()["result"]["tools"]) for future in lists}) == 1
    assert int(text_of(post(studies.running, "tools/call", tool("lists"), modern=True))) == before + 1


def test_when_the_first_is_cancelled_another_goes_on(studies: Studies) -> None:
    session = open_session(studies.running)
    first = studies.call(session)
    others = [studies.call() for _ in range(2)]
    body = {"jsonrpc": "2.0", "method": "notifications/cancelled", "params": {"requestId": 7}}
    assert HTTP.post(studies.running.mcp, json=body, headers=session).status_code == 202
    assert first.result().json()["error"]["code"] == -32800
    studies.end()
    assert [text_of(future.result()) for future in others] == ["2", "2"]
    assert studies.asked() == 2


def test_who_hangs_up_or_cancels_while_it_waits_disturbs_nobody(studies: Studies) -> None:
    session = open_session(studies.running)
    first = studies.call()
    leaves = studies.call(timeout=0.5)
    cancels = studies.call(session)
    with pytest.raises(httpx2.TimeoutException):
        leaves.result()
    duplicate = post(studies.running, "tools/call", tool("echo", text="x"), number=7, headers=session)
    assert duplicate.json()["error"]["code"] == -32600
    body = {"jsonrpc": "2.0", "method": "notifications/cancelled", "params": {"requestId": 7}}
    assert HTTP.post(studies.running.mcp, json=body, headers=session).status_code == 202
    assert cancels.result().json()["error"]["code"] == -32800
    studies.wait_for(1)
    studies.end()
    assert text_of(first.result()) == "1"
    assert studies.asked() == 1


def test_when_the_first_fails_another_goes_on(studies: Studies) -> None:
    calls = [studies.call(failures=1) for _ in range(4)]
    studies.end()
    answers = [future.result().json()["result"] for future in calls]
    assert sorted(answer["content"][0]["text"] for answer in answers) == ["1", "2", "2", "2"]
    assert [answer["isError"] for answer in answers].count(True) == 1
    assert studies.asked() == 2


def test_calls_that_fail_again_and_again_do_not_wait_for_each_other(studies: Studies) -> None:
    calls = [studies.call(failures=9) for _ in range(4)]
    studies.end()
    answers = [future.result().json()["result"] for future in calls]
    assert sorted(answer["content"][0]["text"] for answer in answers) == ["1", "2", "3", "4"]


def test_when_the_process_ends_under_the_first_the_others_are_served_by_the_next(studies: Studies) -> None:
    first = studies.call()
    others = [studies.call() for _ in range(2)]
    pids = studies.running.health()[1]["dependencies"]["child"]["pids"]
    os.kill(pids[0], 9)
    assert first.result().json()["error"]["code"] == -32000
    studies.end()
    assert [text_of(future.result()) for future in others] == ["1", "1"]
