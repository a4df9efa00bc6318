"""A bridge as a real process, and what tests ask of it."""

import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx2

SERVERS = Path(__file__).parent / "servers"
DEADLINE_SECONDS = 30.0
HTTP = httpx2.Client(
    trust_env=False, verify=False, timeout=DEADLINE_SECONDS, limits=httpx2.Limits(max_connections=None)
)
"""One client for all: making one costs more than any request here."""

META = {
    "io.modelcontextprotocol/protocolVersion": "2026-07-28",
    "io.modelcontextprotocol/clientInfo": {"name": "test", "version": "1"},
    "io.modelcontextprotocol/clientCapabilities": {},
}


@dataclass
class Bridge:
    """A running bridge; `lines` is its log so far."""

    process: subprocess.Popen[str]
    lines: list[dict[str, Any]] = field(default_factory=list)
    raw: list[str] = field(default_factory=list)
    changed: threading.Condition = field(default_factory=threading.Condition)
    port: int = 0
    closed: bool = False

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def mcp(self) -> str:
        return f"{self.url}/mcp"

    def read(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            with self.changed:
                self.raw.append(line)
                self.lines.append(json.loads(line))
                self.changed.notify_all()
        with self.changed:
            self.closed = True
            self.changed.notify_all()

    def wait_for(self, event: str, matches: Callable[[dict[str, Any]], bool] = lambda _: True) -> dict[str, Any]:
        """Return the first log line of an event, as soon as it is there."""

        def found() -> dict[str, Any] | None:
            return next((line for line in self.lines if line["event"] == event and matches(line)), None)

        with self.changed:
            self.changed.wait_for(lambda: found() is not None or self.closed, DEADLINE_SECONDS)
            line = found()
        assert line is not None, f"no {event} in: {''.join(self.raw)}"
        return line

    def count(self, event: str) -> int:
        return sum(1 for line in self.lines if line["event"] == event)

    def wait_ready(self) -> None:
        self.wait_for("child_ready")

    def health(self) -> tuple[int, dict[str, Any]]:
        response = HTTP.get(f"{self.url}/health")
        return response.status_code, response.json()

    def stop(self, number: signal.Signals = signal.SIGTERM) -> int:
        if self.process.poll() is None:
            self.process.send_signal(number)
        return self.process.wait(DEADLINE_SECONDS)


@contextmanager
def bridge(
    *command: str,
    options: tuple[str, ...] = (),
    environment: dict[str, str] | None = None,
    program: tuple[str, ...] = ("-m", "mcp_bridge"),
) -> Iterator[Bridge]:
    """Run a bridge before a command on a free port; what is left of it is killed at the end."""
    process = subprocess.Popen(
        [sys.executable, *program, "--port", "0", *options, "--", *command],
        stdout=subprocess.PIPE,
        text=True,
        # Most tests are about what happens in one child. Those of the modes say which they want.
        env={**os.environ, "MCP_BRIDGE_MODE": "shared", **(environment or {})},
        start_new_session=True,
    )
    running = Bridge(process)
    reader = threading.Thread(target=running.read, daemon=True)
    reader.start()
    try:
        running.port = running.wait_for("listening")["port"]
        yield running
    finally:
        if process.poll() is None:
            process.terminate()
        try:
            process.wait(DEADLINE_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        reader.join(DEADLINE_SECONDS)
        assert process.stdout is not None
        process.stdout.close()


def server(name: str) -> tuple[str, ...]:
    """Return the command of a fixture server."""
    return (sys.executable, str(SERVERS / f"{name}.py"))


def post(
    running: Bridge,
    method: str,
    params: dict[str, Any] | None = None,
    *,
    number: Any = 1,
    headers: dict[str, str] | None = None,
    modern: bool = False,
    timeout: float = DEADLINE_SECONDS,
) -> httpx2.Response:
    """Send one JSON-RPC request the plain way."""
    params = dict(params or {})
    sent = {"content-type": "application/json", "accept": "application/json, text/event-stream", **(headers or {})}
    if modern:
        params["_meta"] = {**META, **params.get("_meta", {})}
        sent.setdefault("mcp-protocol-version", "2026-07-28")
        sent.setdefault("mcp-method", method)
        if (name := params.get("name") or params.get("uri")) is not None:
            sent.setdefault("mcp-name", name)
    body = {"jsonrpc": "2.0", "id": number, "method": method, "params": params}
    return HTTP.post(running.mcp, json=body, headers=sent, timeout=timeout)


def open_session(running: Bridge, revision: str = "2025-11-25", **capabilities: Any) -> dict[str, str]:
    """Open a session; returns the headers that belong to it."""
    params = {
        "protocolVersion": revision,
        "capabilities": capabilities,
        "clientInfo": {"name": "test", "version": "1"},
    }
    response = post(running, "initialize", params)
    assert response.status_code == 200, response.text
    return {"mcp-session-id": response.headers["mcp-session-id"], "mcp-protocol-version": revision}


def text_of(response: httpx2.Response) -> str:
    """Return the text that a tool answered with."""
    assert response.headers["content-type"] == "application/json", (response.status_code, response.text)
    body = response.json()
    assert "result" in body, body
    return str(body["result"]["content"][0]["text"])


@dataclass(frozen=True)
class Event:
    """One server-sent event; `data` is its message, None where it has none."""

    id: str
    data: Any
    retry: str


def events(response: httpx2.Response) -> Iterator[Event]:
    """Read an event stream."""
    fields: dict[str, str] = {}
    for line in response.iter_lines():
        if line:
            name, _, value = line.partition(":")
            fields[name] = value.removeprefix(" ")
        elif "data" in fields:
            data = json.loads(fields["data"]) if fields["data"] else None
            yield Event(fields.get("id", ""), data, fields.get("retry", ""))
            fields = {}


def tool(name: str, /, **arguments: Any) -> dict[str, Any]:
    """Return the params of a tools/call."""
    return {"name": name, "arguments": arguments}


def eventually(condition: Callable[[], bool], what: str) -> None:
    """Ask again and again until a condition holds."""
    deadline = time.monotonic() + DEADLINE_SECONDS
    while not condition():
        assert time.monotonic() < deadline, what
        os.sched_yield()


def until(running: Bridge, session: dict[str, str], name: str, wanted: str) -> None:
    """Ask a tool again and again until its answer contains something."""
    for _ in range(500):
        if wanted in text_of(post(running, "tools/call", tool(name), number="until", headers=session)):
            return
    raise AssertionError(f"{name} never said {wanted}")


def alive(pid: int) -> bool:
    """Whether a process exists and is no zombie."""
    try:
        return "\nState:\tZ" not in Path(f"/proc/{pid}/status").read_text()
    except FileNotFoundError:
        return False


def resident_bytes(pid: int) -> int:
    """Return the memory that a process holds."""
    [line] = [line for line in Path(f"/proc/{pid}/status").read_text().splitlines() if line.startswith("VmRSS:")]
    return int(line.split()[1]) * 1024


def group_of(leader: int) -> list[int]:
    """Return the processes whose process group is `leader`."""
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                fields = (entry / "stat").read_text().rpartition(")")[2].split()
            except (FileNotFoundError, ProcessLookupError):
                continue
            if int(fields[2]) == leader and fields[0] != "Z":
                found.append(int(entry.name))
    return found
