"""Registration, against an HTTP server that keeps what Consul would keep."""

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from bridge.tests.rig import DEADLINE_SECONDS, HTTP, bridge, server


class FakeConsul(ThreadingHTTPServer):
    """The three calls of Consul's agent API that a replica makes, with Consul's answers to them."""

    daemon_threads = True

    def __init__(self, port: int = 0) -> None:
        super().__init__(("127.0.0.1", port), _Handler)
        self.services: dict[str, Any] = {}
        self.calls: list[str] = []
        self.changed = threading.Condition()
        self.thread = threading.Thread(target=self.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
        self.thread.start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"

    def stop(self) -> None:
        self.shutdown()
        self.server_close()

    def wait(self, condition: Any) -> None:
        with self.changed:
            assert self.changed.wait_for(condition, DEADLINE_SECONDS), self.calls


class _Handler(BaseHTTPRequestHandler):
    server: FakeConsul

    def do_PUT(self) -> None:
        body = self.rfile.read(int(self.headers.get("content-length") or 0))
        status = 200
        with self.server.changed:
            action, _, identifier = self.path.removeprefix("/v1/agent/").partition("/")
            verb = f"{action}/{identifier.partition('/')[0]}"
            if verb == "service/register":
                entry = json.loads(body)
                self.server.services[entry["ID"]] = entry
            elif verb == "service/deregister":
                self.server.services.pop(identifier.partition("/")[2], None)
            elif f"{identifier.rpartition('%3A')[2]}" not in self.server.services:
                status = 404
            self.server.calls.append(verb)
            self.server.changed.notify_all()
        self.send_response(status)
        self.send_header("content-length", "0")
        self.end_headers()

    def log_message(self, *_: Any) -> None:
        """Keep quiet."""


@pytest.fixture
def consul() -> Iterator[FakeConsul]:
    running = FakeConsul()
    yield running
    running.stop()


def test_a_replica_registers_when_it_serves_and_leaves_first(consul: FakeConsul) -> None:
    options = ("--consul", consul.url, "--name", "time", "--slot", "2", "--task", "abcdefghijkl")
    with bridge(*server("session_era"), options=options) as running:
        running.wait_for("registered")
        [entry] = consul.services.values()
        assert (entry["ID"], entry["Name"]) == ("mcp-time-002-abcdefgh", "mcp-time")
        assert (entry["Address"], entry["Port"]) == ("127.0.0.1", running.port)
        assert entry["Meta"]["version"] == "1.2.3"
        assert entry["Meta"]["revisions"] == "2026-07-28,2025-11-25,2025-06-18,2025-03-26"
        assert entry["Meta"]["capabilities"] == "logging,resources,tools"
        assert entry["Check"]["TTL"] == "10s"
        assert running.health()[1]["dependencies"]["consul"] == {"status": "up"}
        assert running.stop() == 0
    assert not consul.services
    events = [line["event"] for line in running.lines]
    assert events.index("deregistered") < events.index("stopped")


def test_a_replica_registers_again_where_consul_forgot_it(consul: FakeConsul) -> None:
    with bridge(*server("session_era"), options=("--consul", consul.url)) as running:
        running.wait_for("registered")
        with consul.changed:
            consul.services.clear()
        consul.wait(lambda: consul.services)


def test_a_replica_serves_without_consul_and_registers_when_it_comes() -> None:
    first = FakeConsul()
    port = first.server_port
    first.stop()
    with bridge(*server("session_era"), options=("--consul", f"http://127.0.0.1:{port}")) as running:
        running.wait_ready()
        running.wait_for("consul_unreachable")
        assert HTTP.get(f"{running.url}/ready").status_code == 200
        status, health = running.health()
        assert (status, health["dependencies"]["consul"]["status"]) == (503, "down")
        assert "Not registered in Consul yet" in health["reason"]
        second = FakeConsul(port)
        try:
            running.wait_for("registered")
            assert running.health()[0] == 200
        finally:
            second.stop()
        assert running.stop() == 0


def test_a_replica_whose_child_is_gone_leaves_consul(consul: FakeConsul) -> None:
    """Registered while it serves, and only then: nobody is sent to a child that never came up."""
    with bridge("no-such-program", options=("--consul", consul.url)) as running:
        assert running.process.wait(DEADLINE_SECONDS) == 1
    assert "service/register" not in consul.calls
