"""The floor: what one Python process on uvloop and httptools can do that only frames messages and replaces their ids.

No sessions, no checks, no errors, no limits: nothing that a bridge is for. `python -m bench.bridge.floor PORT COMMAND…`
"""

import asyncio
import sys
from typing import cast

import httptools
import msgspec
import uvloop

HEAD = b"HTTP/1.1 200 OK\r\nmcp-session-id: 1\r\ncontent-type: application/json\r\ncontent-length: %d\r\n\r\n"


class _Message(msgspec.Struct):
    jsonrpc: str = ""
    id: msgspec.Raw = msgspec.Raw()
    method: str = ""
    params: msgspec.Raw = msgspec.Raw()
    result: msgspec.Raw = msgspec.Raw()
    error: msgspec.Raw = msgspec.Raw()


_decoder = msgspec.json.Decoder(_Message)


class _Child(asyncio.SubprocessProtocol):
    """Writes once a turn of the loop, as the bridge does."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self.loop = loop
        self.stdin: asyncio.WriteTransport | None = None
        self.unsent: list[bytes] = []
        self.rest = b""
        self.next = 1
        self.waiting: dict[bytes, tuple[_Connection, bytes]] = {}

    def put(self, connection: "_Connection", message: _Message) -> None:
        number = b"%d" % self.next
        self.next += 1
        self.waiting[number] = connection, bytes(message.id)
        if not self.unsent:
            self.loop.call_soon(self.flush)
        method, params = msgspec.json.encode(message.method), bytes(message.params)
        self.unsent.append(b'{"jsonrpc":"2.0","id":%b,"method":%b,"params":%b}\n' % (number, method, params))

    def flush(self) -> None:
        if self.stdin is not None:
            self.stdin.write(b"".join(self.unsent))
        self.unsent.clear()

    def pipe_data_received(self, fd: int, data: bytes) -> None:
        *lines, self.rest = (self.rest + data).split(b"\n")
        for line in lines:
            message = _decoder.decode(line)
            connection, number = self.waiting.pop(bytes(message.id))
            connection.send(b'{"jsonrpc":"2.0","id":%b,"result":%b}' % (number, bytes(message.result or b"null")))


class _Connection(asyncio.Protocol):
    def __init__(self, child: _Child) -> None:
        self.child = child
        self.parser = httptools.HttpRequestParser(self)
        self.body = b""
        self.transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast("asyncio.Transport", transport)

    def data_received(self, data: bytes) -> None:
        self.parser.feed_data(data)

    def on_body(self, body: bytes) -> None:
        self.body += body

    def on_message_complete(self) -> None:
        message = _decoder.decode(self.body)
        self.body = b""
        if message.id:
            self.child.put(self, message)
        else:
            self.send(b"")

    def send(self, body: bytes) -> None:
        if self.transport is not None:
            self.transport.write(HEAD % len(body) + body)


async def _main(port: int, command: list[str]) -> None:
    loop = asyncio.get_running_loop()
    transport, child = await loop.subprocess_exec(lambda: _Child(loop), *command, stderr=None)
    child.stdin = cast("asyncio.WriteTransport", transport.get_pipe_transport(0))
    server = await loop.create_server(lambda: _Connection(child), "127.0.0.1", port)
    await server.serve_forever()


if __name__ == "__main__":
    uvloop.run(_main(int(sys.argv[1]), sys.argv[2:]))
