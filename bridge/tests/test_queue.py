"""Calls that wait because the server has as many as it may: in which order, for how long, and which are refused."""

import re
import secrets
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx2
import pytest

from bridge.tests.rig import HTTP, Bridge, bridge, open_session, post, server, text_of, tool

TOKEN = "s3cret-gateway-token"


@pytest.fixture
def narrow(tmp_path: Path) -> Iterator[Bridge]:
    """A bridge behind a gateway whose server takes one call at a time; three may wait."""
    (tmp_path / "token").write_text(TOKEN)
    options = ("--gateway-token-file", str(tmp_path / "token"), "--host", "127.0.0.1", "--mode", "shared")
    with bridge(*server("session_era"), options=(*options, "--max-concurrent", "1", "--max-queue", "3")) as running:
        running.wait_ready()
        yield running


@pytest.fixture
def pool() -> Iterator[ThreadPoolExecutor]:
    with ThreadPoolExecutor(8) as made:
        yield made


def client(priority: int = 0, name: str = "codex") -> dict[str, str]:
    """Return what the gateway sends along."""
    return {
        "x-mcp-gateway-token": TOKEN,
        "x-mcp-client": name,
        "x-mcp-tier": f"tier-{priority}",
        "x-mcp-priority": str(priority),
    }


def depth(running: Bridge) -> int:
    """Return how many calls wait."""
    page = HTTP.get(f"{running.url}/metrics").text
    [found] = re.findall(r"^mcp_queue_depth\{.*\} (\d+)\.0$", page, re.MULTILINE)
    return int(found)


def wait_for_depth(running: Bridge, wanted: int) -> None:
    for _ in range(1000):
        if depth(running) == wanted:
            return
    raise AssertionError(f"{depth(running)} calls wait, not {wanted}")


class Line:
    """Calls that come one after the other to a server that is busy with a first one."""

    def __init__(self, running: Bridge, pool: ThreadPoolExecutor, folder: Path) -> None:
        self.running = running
        self.pool = pool
        self._end = folder / secrets.token_hex(4)
        self.busy = self.call("block", 0, until=str(self._end))
        for _ in range(1000):
            if "mcp_requests_in_flight{" in (page := HTTP.get(f"{running.url}/metrics").text) and re.search(
                r"^mcp_requests_in_flight\{.*\} 1\.0$", page, re.MULTILINE
            ):
                return
        raise AssertionError("the first call never reached the server")

    def advance(self) -> None:
        """End the first call."""
        self._end.touch()
        text_of(self.busy.result())

    def call(self, name: str, priority: int, **arguments: Any) -> Future[httpx2.Response]:
        return self.pool.submit(
            post, self.running, "tools/call", tool(name, **arguments), modern=True, headers=client(priority)
        )

    def join(self, priority: int) -> Future[httpx2.Response]:
        """Let one more call wait; its answer is its place in the order of service."""
        before = depth(self.running)
        future = self.call("count", priority)
        wait_for_depth(self.running, before + 1)
        return future


def test_waiting_calls_are_served_by_tier_and_then_in_order(
    narrow: Bridge, pool: ThreadPoolExecutor, tmp_path: Path
) -> None:
    line = Line(narrow, pool, tmp_path)
    free, enterprise, pro = line.join(0), line.join(2), line.join(1)
    line.advance()
    assert [text_of(future.result()) for future in (enterprise, pro, free)] == ["1", "2", "3"]
    second = Line(narrow, pool, tmp_path)
    first_come, first_served = second.join(1), second.join(1)
    second.advance()
    assert [text_of(future.result()) for future in (first_come, first_served)] == ["4", "5"]
    assert depth(narrow) == 0


def test_when_the_queue_is_full_the_newest_of_the_lowest_tier_is_refused(
    narrow: Bridge, pool: ThreadPoolExecutor, tmp_path: Path
) -> None:
    line = Line(narrow, pool, tmp_path)
    older, newer, _ = line.join(0), line.join(0), line.join(1)
    line.call("count", 2)
    refused = newer.result()
    assert (refused.status_code, refused.json()["error"]["code"]) == (429, -32017)
    assert int(refused.headers["retry-after"]) > 0
    assert "--max-queue" in refused.json()["error"]["message"]
    itself = line.call("count", 0).result()
    assert itself.status_code == 429
    line.advance()
    assert text_of(older.result()) == "3"


def test_a_session_is_refused_by_status_too(narrow: Bridge, pool: ThreadPoolExecutor, tmp_path: Path) -> None:
    opened = {**client(0), **_session(narrow)}
    line = Line(narrow, pool, tmp_path)
    for _ in range(3):
        line.join(1)
    refused = post(narrow, "tools/call", tool("count"), headers=opened)
    assert (refused.status_code, refused.json()["error"]["code"]) == (429, -32017)
    line.advance()


def _session(running: Bridge) -> dict[str, str]:
    params = {"protocolVersion": "2025-11-25", "capabilities": {}, "clientInfo": {"name": "t", "version": "1"}}
    answer = post(running, "initialize", params, headers=client())
    return {"mcp-session-id": answer.headers["mcp-session-id"], "mcp-protocol-version": "2025-11-25"}


def test_a_caller_that_leaves_takes_its_place_along(narrow: Bridge, pool: ThreadPoolExecutor, tmp_path: Path) -> None:
    line = Line(narrow, pool, tmp_path)
    for headers, modern in ((client(), True), ({**client(), **_session(narrow)}, False)):
        with pytest.raises(httpx2.TimeoutException):
            post(narrow, "tools/call", tool("count"), headers=headers, modern=modern, timeout=0.2)
        wait_for_depth(narrow, 0)
    line.advance()
    assert text_of(post(narrow, "tools/call", tool("count"), modern=True, headers=client())) == "1"


def test_pings_and_cancellations_do_not_wait(narrow: Bridge, pool: ThreadPoolExecutor, tmp_path: Path) -> None:
    session = {**client(), **_session(narrow)}
    line = Line(narrow, pool, tmp_path)
    waiting = pool.submit(post, narrow, "tools/call", tool("count"), number=7, headers=session)
    wait_for_depth(narrow, 1)
    assert post(narrow, "ping", number=8, headers=session).json()["result"] == {}
    duplicate = post(narrow, "tools/call", tool("count"), number=7, headers=session)
    assert duplicate.json()["error"]["code"] == -32600
    body = {"jsonrpc": "2.0", "method": "notifications/cancelled", "params": {"requestId": 7}}
    assert HTTP.post(narrow.mcp, json=body, headers=session).status_code == 202
    assert waiting.result().json()["error"]["code"] == -32800
    assert not line.busy.done()
    assert depth(narrow) == 0
    line.advance()
    assert text_of(post(narrow, "tools/call", tool("count"), number=7, headers=session)) == "1"


def test_the_end_of_a_session_ends_its_waiting_calls(narrow: Bridge, pool: ThreadPoolExecutor, tmp_path: Path) -> None:
    session = {**client(), **_session(narrow)}
    line = Line(narrow, pool, tmp_path)
    waiting = pool.submit(post, narrow, "tools/call", tool("count"), headers=session)
    wait_for_depth(narrow, 1)
    assert HTTP.delete(narrow.mcp, headers=session).status_code == 200
    assert waiting.result().json()["error"]["code"] == -32800
    line.advance()
    assert text_of(post(narrow, "tools/call", tool("count"), modern=True, headers=client())) == "1"


def test_without_a_gateway_nobody_can_name_a_tier(tmp_path: Path) -> None:
    with (
        bridge(
            *server("session_era"), options=("--mode", "shared", "--max-concurrent", "1", "--max-queue", "1")
        ) as running,
        ThreadPoolExecutor(4) as pool,
    ):
        running.wait_ready()
        assert open_session(running)
        line = Line(running, pool, tmp_path)
        first = line.join(0)
        assert line.call("count", 9).result().status_code == 429
        line.advance()
        assert text_of(first.result()) == "1"
