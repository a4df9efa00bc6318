"""Asking a server for its tools, over HTTP, and refusing clients that are limited to others."""

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from stacks.tools import read_tools, tool_problems

from .stack_files import TIME, parse_text

PAGES = {None: (["get_current_time"], "2"), "2": (["convert_time"], None)}


class Handler(BaseHTTPRequestHandler):
    """Lists its tools on two pages to whoever has the key."""

    def do_POST(self) -> None:
        request = json.loads(self.rfile.read(int(self.headers["content-length"])))
        good = self.headers["authorization"] == "Bearer key" and request["method"] == self.headers["mcp-method"]
        names, cursor = PAGES[request["params"].get("cursor")]
        result = {"tools": [{"name": name} for name in names], **({"nextCursor": cursor} if cursor else {})}
        self.send_response(200 if good else 401)
        self.end_headers()
        self.wfile.write(json.dumps({"jsonrpc": "2.0", "id": 1, "result": result}).encode())

    def log_message(self, *_: object) -> None:
        """Keep the test's output clean."""


@pytest.fixture
def url() -> Iterator[str]:
    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_address[1]}/time/mcp"
        server.shutdown()
        thread.join()


def test_all_pages_are_read(url: str) -> None:
    assert read_tools(url, "key") == frozenset({"get_current_time", "convert_time"})


def test_a_server_that_does_not_answer_is_no_problem_of_the_configuration(url: str) -> None:
    assert read_tools(url, "another key") is None
    assert read_tools("http://127.0.0.1:1/time/mcp", "key") is None


def test_a_client_limited_to_a_tool_that_is_not_there_is_refused_by_key() -> None:
    config = parse_text(
        f"""
        servers: {{time: '{TIME}'}}
        clients:
          codex: {{servers: {{time: [get_curent_time, convert_time]}}}}
          ci-bot: {{servers: {{time: "*"}}}}
          all: {{}}
        """
    )
    (problem,) = tool_problems(config, "time", frozenset({"get_current_time", "convert_time"}))
    assert problem.path == ("clients", "codex", "servers", "time")
    assert problem.message == "server 'time' has no tool 'get_curent_time'; did you mean 'get_current_time'?"
