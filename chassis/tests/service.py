"""A real HTTP service on a free port that answers as it is told."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


@dataclass
class Service:
    """`answers`: status, and headers, of the requests to come; 200 when there are no more. 0 hangs up."""

    url: str = ""
    answers: list[int | tuple[int, dict[str, str]]] = field(default_factory=list)
    seen: list[str] = field(default_factory=list)


@contextmanager
def serving() -> Iterator[Service]:
    """Serve until the block ends."""
    service = Service()

    class Handler(BaseHTTPRequestHandler):
        def answer(self) -> None:
            self.rfile.read(int(self.headers.get("content-length", 0)))
            service.seen.append(f"{self.command} {self.path} {self.headers.get('authorization', '')}".strip())
            told = service.answers.pop(0) if service.answers else 200
            status, headers = told if isinstance(told, tuple) else (told, {})
            if status == 0:
                self.close_connection = True
                return
            body = b'{"said": "well"}'
            self.send_response(status)
            for name, value in {**headers, "content-length": str(len(body))}.items():
                self.send_header(name, value)
            self.end_headers()
            if self.command != "HEAD":
                self.wfile.write(body)

        do_GET = do_POST = do_PUT = answer  # noqa: N815 - http.server's names

        def log_message(self, *_: Any) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    service.url = f"http://127.0.0.1:{server.server_port}/v1"
    try:
        yield service
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
