"""What Prometheus is told, and that the log tells the same."""

import os
import re
import subprocess
import tempfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx2
import pytest
from mcp_bridge.child_metrics import KEPT_FILES, ChildMetrics, metrics_folder
from mcp_wire import tools

from bridge.tests.rig import HTTP, META, Bridge, bridge, post, server, tool

TOKEN = "s3cret-gateway-token"


def metrics(running: Bridge) -> str:
    return HTTP.get(f"{running.url}/metrics").text


def counted(running: Bridge, **labels: str) -> int:
    """Return how many requests with these labels were counted."""
    found = 0
    for line in metrics(running).splitlines():
        name, _, rest = line.partition("{")
        if name == "mcp_requests_total":
            read = dict(re.findall(r'(\w+)="([^"]*)"', rest))
            assert read.keys() == {"server", "method", "tool", "tier", "outcome"}
            found += int(float(line.rpartition(" ")[2])) if labels.items() <= read.items() else 0
    return found


def test_calls_are_counted_by_the_tools_that_the_server_declares(session_bridge: Bridge) -> None:
    post(session_bridge, "tools/call", tool("echo", text="x"), modern=True)
    post(session_bridge, "tools/call", tool("made-up-by-a-client"), modern=True)
    page = HTTP.get(f"{session_bridge.url}/metrics")
    assert page.headers["content-type"].startswith("text/plain; version=0.0.4")
    assert counted(session_bridge, tool="echo") > 0
    assert re.search(r'mcp_request_duration_seconds_count\{method="tools/call",server="[^"]+",tier=""\} \d', page.text)
    assert re.search(r'mcp_service_health\{server="[^"]+"\} 1.0', page.text)
    assert 'tool="other"' in page.text
    assert "made-up" not in page.text


@pytest.fixture
def gated(tmp_path: Path) -> Iterator[Bridge]:
    """A bridge behind a gateway, that keeps results, whose server takes one call at a time; none may wait."""
    (tmp_path / "token").write_text(TOKEN)
    options = ("--gateway-token-file", str(tmp_path / "token"), "--host", "127.0.0.1", "--cache", "memory")
    limits = ("--max-concurrent", "1", "--max-queue", "0")
    with bridge(*server("session_era"), options=(*options, *limits)) as running:
        running.wait_ready()
        yield running


def call(
    running: Bridge,
    name: str,
    request_id: str,
    method: str = "tools/call",
    headers: dict[str, str] | None = None,
    meta: dict[str, Any] | None = None,
    **arguments: Any,
) -> httpx2.Response:
    """Call a tool as the client codex of tier pro does."""
    sent = {
        "x-mcp-gateway-token": TOKEN,
        "x-mcp-client": "codex",
        "x-mcp-tier": "pro",
        "x-request-id": request_id,
        "mcp-protocol-version": "2026-07-28",
        "mcp-method": method,
        "mcp-name": name,
    }
    params = {**tool(name, **arguments), "_meta": META if meta is None else meta}
    return post(running, method, params, headers=sent | (headers or {}))


def line_of(running: Bridge, request_id: str) -> dict[str, Any]:
    """Return the only log line of a request."""
    line = running.wait_for("call", lambda line: line["request_id"] == request_id)
    assert [found for found in running.lines if found.get("request_id") == request_id] == [line]
    return line


def test_the_tier_is_what_the_gateway_says_and_nobody_else(gated: Bridge, session_bridge: Bridge) -> None:
    assert call(gated, "count", "vouched").status_code == 200
    assert counted(gated, tool="count", tier="pro", outcome="ok") == 1
    assert line_of(gated, "vouched")["tier"] == "pro"
    post(session_bridge, "tools/call", tool("count"), modern=True, headers={"x-mcp-tier": "enterprise"})
    assert counted(session_bridge, tier="enterprise") == 0
    assert counted(session_bridge, tool="count", tier="") > 0


REFUSALS: dict[str, dict[str, Any]] = {
    "-32012": {"headers": {"x-mcp-tools": tools.encode(["echo"])}},
    "-32020": {"headers": {"mcp-name": "echo"}},
    "-32601": {"method": "initialize"},
    "-32602": {"meta": {}},
}


@pytest.mark.parametrize("code", REFUSALS)
def test_what_the_bridge_refuses_is_counted_and_logged_once(gated: Bridge, code: str) -> None:
    assert call(gated, "count", code, **REFUSALS[code]).json()["error"]["code"] == int(code)
    method, name = ("other", "") if code == "-32601" else ("tools/call", "count")
    assert counted(gated) == counted(gated, method=method, tool=name, tier="pro", outcome=code) == 1
    line = line_of(gated, code)
    said = {"client": "codex", "method": method, "tool": name, "tier": "pro", "outcome": code}
    assert said.items() <= line.items()
    assert gated.health()[1]["metrics"]["errors"] == 1


def test_a_call_for_which_there_is_no_place_is_counted(gated: Bridge, tmp_path: Path) -> None:
    end = tmp_path / "end"
    with ThreadPoolExecutor() as pool:
        busy = pool.submit(call, gated, "block", "busy", until=str(end))
        while not re.search(r"^mcp_requests_in_flight\{.*\} 1\.0$", metrics(gated), re.MULTILINE):
            os.sched_yield()
        assert call(gated, "count", "crowded").status_code == 429
        end.touch()
        assert busy.result().status_code == 200
    assert counted(gated, tool="count", outcome="-32017") == 1
    assert line_of(gated, "crowded")["outcome"] == "-32017"


def test_an_answer_from_the_cache_is_counted_as_one_and_its_line_says_so(gated: Bridge) -> None:
    assert [call(gated, "look", name).status_code for name in ("asked", "kept")] == [200, 200]
    assert counted(gated, tool="look", outcome="ok") == 2
    assert "cached" not in line_of(gated, "asked")
    assert line_of(gated, "kept")["cached"] is True


def test_what_is_refused_before_it_is_a_request_of_mcp_is_counted_by_its_status(gated: Bridge) -> None:
    def refusals() -> dict[str, str]:
        line = r'^mcp_http_refusals_total\{server="[^"]+",status="(\d+)"\} (\d+)'
        return dict(re.findall(line, metrics(gated), re.MULTILINE))

    assert refusals() == {}
    assert post(gated, "ping", modern=True).status_code == 401
    admitted = {"x-mcp-gateway-token": TOKEN, "content-type": "application/json"}
    assert post(gated, "ping", headers=admitted | {"mcp-session-id": "made-up"}).status_code == 404
    assert HTTP.put(gated.mcp, headers=admitted).status_code == 405
    assert HTTP.post(gated.mcp, content=b"{}", headers=admitted | {"host": "a b"}).status_code == 400
    assert HTTP.post(gated.mcp, content=bytes(5_000_000), headers=admitted).status_code == 413
    assert refusals() == dict.fromkeys(("400", "401", "404", "405", "413"), "1")
    assert counted(gated) == 0


@pytest.fixture
def counting(tmp_path: Path) -> Iterator[Bridge]:
    with bridge(*server("counting"), environment={"TMPDIR": str(tmp_path)}) as running:
        running.wait_ready()
        yield running


def test_what_the_server_counts_is_served_and_goes_on_after_its_restart(counting: Bridge) -> None:
    post(counting, "tools/call", tool("read", page="home"), modern=True)
    assert 'wiki_reads_total{page="home"} 1.0' in metrics(counting)
    post(counting, "tools/call", tool("leave"), modern=True)
    post(counting, "tools/call", tool("read", page="home"), modern=True)
    assert 'wiki_reads_total{page="home"} 2.0' in metrics(counting)


def test_the_server_can_not_speak_for_the_bridge_or_spoil_its_page(counting: Bridge) -> None:
    post(counting, "tools/call", tool("read", page="home"), modern=True)
    page = metrics(counting)
    assert "another" not in page
    assert re.search(r'mcp_service_health\{server="[^"]+"\} 1.0', page)
    post(counting, "tools/call", tool("spoil"), modern=True)
    page = metrics(counting)
    assert "wiki_reads" not in page
    assert re.search(r'mcp_service_health\{server="[^"]+"\} 1.0', page)
    counting.wait_for("child_metrics_not_read")


def test_files_of_processes_that_ended_are_kept_up_to_a_bound(tmp_path: Path) -> None:
    ended = subprocess.Popen(["true"])
    ended.wait()
    for number in range(KEPT_FILES + 5):
        file = tmp_path / f"counter_{number}x_{ended.pid}.db"
        file.touch()
        os.utime(file, (number, number))
    own = tmp_path / f"counter_{os.getpid()}.db"
    own.touch()
    os.utime(own, (0, 0))
    ChildMetrics(tmp_path).families()
    left = {file.name for file in tmp_path.iterdir()}
    assert len(left) == KEPT_FILES + 1
    assert own.name in left


def test_a_bridge_that_can_write_no_file_has_no_folder_for_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tempfile, "tempdir", "/proc/nowhere")
    with metrics_folder() as folder:
        assert folder is None
