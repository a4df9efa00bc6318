"""An OTLP receiver for traces over HTTP, which keeps what it got."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import KeyValue
from opentelemetry.proto.trace.v1.trace_pb2 import Span

DEADLINE_SECONDS = 30.0


class Receiver:
    """A running receiver. `status` is what it answers; without `answering` it answers only at its end."""

    def __init__(self) -> None:
        self.requests: list[ExportTraceServiceRequest] = []
        self.status = 200
        self.answering = threading.Event()
        self.answering.set()
        self.changed = threading.Condition()
        self.asked = 0
        self.address = ("", 0)

    @property
    def url(self) -> str:
        """Where spans are sent to."""
        host, port = self.address
        return f"http://{host}:{port}"

    @property
    def spans(self) -> list[Span]:
        return [
            span
            for request in self.requests
            for resource in request.resource_spans
            for scope in resource.scope_spans
            for span in scope.spans
        ]

    def take(self, path: str, kind: str | None, body: bytes) -> int:
        with self.changed:
            self.asked += 1
            self.changed.notify_all()
        self.answering.wait()
        assert (path, kind) == ("/v1/traces", "application/x-protobuf")
        if self.status == 200:
            with self.changed:
                self.requests.append(ExportTraceServiceRequest.FromString(body))
                self.changed.notify_all()
        return self.status

    def wait_for(self, matches: Callable[[Span], bool]) -> Span:
        """Return the first span that matches, as soon as it is there."""
        self.wait_until(lambda: any(map(matches, self.spans)))
        return next(filter(matches, self.spans))

    def wait_until(self, condition: Callable[[], bool]) -> None:
        with self.changed:
            assert self.changed.wait_for(condition, DEADLINE_SECONDS), self.spans


def texts(attributes: "list[KeyValue]") -> dict[str, str]:
    """Return attributes as plain values."""
    return {attribute.key: attribute.value.string_value for attribute in attributes}


@contextmanager
def receiver() -> Iterator[Receiver]:
    found = Receiver()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            status = found.take(self.path, self.headers["content-type"], self._body())
            self.send_response(status)
            self.send_header("content-length", "0")
            self.end_headers()

        def _body(self) -> bytes:
            if self.headers["transfer-encoding"] != "chunked":
                return self.rfile.read(int(self.headers["content-length"]))
            pieces = []
            while size := int(self.rfile.readline(), 16):
                pieces.append(self.rfile.read(size))
                self.rfile.readline()
            self.rfile.readline()
            return b"".join(pieces)

        def log_message(self, *_: object) -> None:
            """Nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    found.address = ("127.0.0.1", server.server_port)
    try:
        yield found
    finally:
        found.answering.set()
        server.shutdown()
        server.server_close()
        thread.join()
