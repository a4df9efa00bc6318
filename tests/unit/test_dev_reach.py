"""What counts as reached."""

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest

from dev import reach


@pytest.fixture
def server() -> Iterator[str]:
    class Handler(BaseHTTPRequestHandler):
        def do_HEAD(self) -> None:
            self.send_response(int(self.path.strip("/")))
            self.end_headers()

        def log_message(self, *arguments: object) -> None:
            pass

    httpd = HTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=httpd.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{httpd.server_port}"
    httpd.shutdown()
    thread.join()
    httpd.server_close()


@pytest.mark.parametrize(("status", "reached"), [(200, True), (401, True), (403, False), (502, False), (407, False)])
def test_a_login_is_an_answer_and_a_refusal_is_none(server: str, status: int, reached: bool) -> None:
    assert reach._answers(f"{server}/{status}") is reached


def test_where_nobody_listens_nothing_is_reached() -> None:
    assert not reach._answers("http://127.0.0.1:1/")
    assert not reach._answers("https://no-such-host.invalid/")
