"""What greets like an SSH server, for machines that are only pretended."""

from collections.abc import Iterator
from contextlib import contextmanager
from socketserver import BaseRequestHandler, ThreadingTCPServer
from threading import Thread


class _Greeter(BaseRequestHandler):
    def handle(self) -> None:
        """Say what an SSH server says first (RFC 4253, 4.2)."""
        self.request.sendall(b"SSH-2.0-stand-in\r\n")


@contextmanager
def greeter() -> Iterator[int]:
    """Greet on a free port of this machine, which is returned."""
    with ThreadingTCPServer(("127.0.0.1", 0), _Greeter) as server:
        thread = Thread(target=server.serve_forever, args=(0.05,), daemon=True)
        thread.start()
        try:
            yield server.server_address[1]
        finally:
            server.shutdown()
            thread.join()
