"""A platform's egress proxy: lets connections out to the hosts that it knows, and leads each to where that one is."""

import selectors
import socket
import socketserver
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import cast

RECEIVED_BYTES = 65536


class EgressProxy(socketserver.ThreadingTCPServer):
    """CONNECT of RFC 9110, 9.3.6, and nothing else.

    Arguments:
        address: where it listens, of this machine.
        ways: address and port that each `host:port` is at; others are refused with 403.
    """

    daemon_threads = True

    def __init__(self, address: str, ways: Mapping[str, tuple[str, int]]) -> None:
        super().__init__((address, 0), _Connection)
        self.ways = ways
        self.refused: list[str] = []
        """What was asked for besides, in order."""

    @property
    def url(self) -> str:
        return f"http://{self.server_address[0]!s}:{self.server_address[1]}"


class _Connection(socketserver.StreamRequestHandler):
    rbufsize = 0
    """What comes after the head of the request is for the host, so nothing of it may be read here."""

    def handle(self) -> None:
        proxy = cast("EgressProxy", self.server)
        asked = self.rfile.readline().decode().strip()
        while self.rfile.readline().strip():
            pass
        method, target, _ = asked.split(" ")
        way = proxy.ways.get(target) if method == "CONNECT" else None
        if way is None:
            proxy.refused.append(asked)
            self.wfile.write(b"HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
            return
        with socket.create_connection(way) as onward:
            self.wfile.write(b"HTTP/1.1 200 Connection established\r\n\r\n")
            _lead(self.request, onward)


def _lead(one: socket.socket, other: socket.socket) -> None:
    """Hand on what either says until one of them ends."""
    with selectors.DefaultSelector() as selector:
        selector.register(one, selectors.EVENT_READ, other)
        selector.register(other, selectors.EVENT_READ, one)
        while True:
            for key, _ in selector.select():
                said = cast("socket.socket", key.fileobj).recv(RECEIVED_BYTES)
                if not said:
                    return
                key.data.sendall(said)


@contextmanager
def egress_proxy(address: str, ways: Mapping[str, tuple[str, int]]) -> Iterator[EgressProxy]:
    """Run a proxy in a thread until the block ends. Takes what `EgressProxy` takes."""
    with EgressProxy(address, ways) as proxy:
        thread = threading.Thread(target=proxy.serve_forever)
        thread.start()
        try:
            yield proxy
        finally:
            proxy.shutdown()
            thread.join()
