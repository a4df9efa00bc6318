"""`python -m bench.observability`: what metrics, logs and traces cost a bridge; prints Markdown.

All bridges run side by side, each before an echo server of its own, and are called in turns, so that whatever else the
machine does falls on all alike. Shown are medians, and ratios to the bridge without any of it, within each turn.
"""

import asyncio
import json
import socket
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import uvloop

TURNS: Final = 15
SECONDS: Final = 0.7
CONNECTIONS: Final = 16
STARTS: Final = 5

ECHO: Final = """
import json, sys
for line in sys.stdin:
    message = json.loads(line)
    method, params = message["method"], message.get("params", {})
    if "id" not in message:
        continue
    answer = {"jsonrpc": "2.0", "id": message["id"]}
    if method == "tools/call":
        answer["result"] = {"content": [{"type": "text", "text": params["arguments"]["text"]}]}
    elif method == "tools/list":
        answer["result"] = {"tools": [{"name": "echo", "inputSchema": {"type": "object"}}]}
    elif method == "initialize":
        info = {"name": "echo", "version": "1"}
        answer["result"] = {"protocolVersion": "2025-11-25", "capabilities": {"tools": {}}, "serverInfo": info}
    elif method == "ping":
        answer["result"] = {}
    else:
        answer["error"] = {"code": -32601, "message": "Method not found"}
    sys.stdout.write(json.dumps(answer) + "\\n")
    sys.stdout.flush()
"""
BRIDGE: Final = "from mcp_bridge.command import main; main()"
UNCOUNTED: Final = f"from mcp_bridge.call_counts import CallCounts; CallCounts.settled = lambda *_: None; {BRIDGE}"
RECEIVER: Final = """
import sys
from bench.observability import receive
receive()
"""
TRACED: Final = b"traceparent: 00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01\r\n"


@dataclass
class Contender:
    """A bridge to measure: how it is started, what its clients send, and what was found."""

    name: str
    program: str = BRIDGE
    options: tuple[str, ...] = ()
    headers: bytes = b""
    port: int = 0
    pid: int = 0
    rates: list[float] = field(default_factory=list)
    cpu: list[float] = field(default_factory=list)


@contextmanager
def _running(program: str, *arguments: str) -> Iterator[int]:
    """Run a Python program whose output nobody reads; give its pid."""
    process = subprocess.Popen([sys.executable, "-c", program, *arguments], stdout=subprocess.DEVNULL)
    try:
        yield process.pid
    finally:
        process.terminate()
        process.wait()


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _arguments(contender: Contender) -> tuple[str, ...]:
    return ("--port", str(contender.port), *contender.options, "--", sys.executable, "-c", ECHO)


def _request(number: int, method: str, params: Mapping[str, object], headers: bytes) -> bytes:
    body = json.dumps({"jsonrpc": "2.0", "id": number, "method": method, "params": params}).encode()
    head = b"POST /mcp HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\n"
    return head + headers + b"content-length: %d\r\n\r\n" % len(body) + body


async def _ask(port: int, request: bytes) -> bytes:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(request)
    head, _ = await _answer(reader)
    writer.close()
    return head


async def _answer(reader: asyncio.StreamReader) -> tuple[bytes, bytes]:
    head = (await reader.readuntil(b"\r\n\r\n")).lower()
    length = int(head.partition(b"content-length: ")[2].partition(b"\r\n")[0])
    return head, await reader.readexactly(length)


async def _initialize(port: int) -> bytes:
    """Open a session as soon as the bridge lets one, and return its header line."""
    info = {"name": "bench", "version": "1"}
    params = {"protocolVersion": "2025-11-25", "capabilities": {}, "clientInfo": info}
    while True:
        try:
            head = await _ask(port, _request(0, "initialize", params, b""))
        except OSError:
            await asyncio.sleep(0.002)
            continue
        if b"mcp-session-id: " in head:
            return b"mcp-session-id: " + head.partition(b"mcp-session-id: ")[2].partition(b"\r\n")[0] + b"\r\n"


async def _call(port: int, headers: bytes, connection: int, until: float) -> int:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    number = connection * 1_000_000
    while time.monotonic() < until:
        number += 1
        params = {"name": "echo", "arguments": {"text": f"text {number}"}}
        writer.write(_request(number, "tools/call", params, headers))
        _, body = await _answer(reader)
        if f'"text {number}"'.encode() not in body:
            raise RuntimeError(f"a wrong answer: {body!r}")
    writer.close()
    return number - connection * 1_000_000


async def _load(contender: Contender) -> tuple[int, float]:
    headers = await _initialize(contender.port) + contender.headers
    begun = time.monotonic()
    calls = (_call(contender.port, headers, connection, begun + SECONDS) for connection in range(CONNECTIONS))
    return sum(await asyncio.gather(*calls)), time.monotonic() - begun


def _cpu_seconds(pid: int) -> float:
    """Return the CPU time of a process of one thread, to the nanosecond."""
    return int(Path(f"/proc/{pid}/schedstat").read_text(encoding="utf-8").split()[0]) / 1e9


def _resident(pid: int) -> float:
    """Return megabytes of memory."""
    status = Path(f"/proc/{pid}/status").read_text(encoding="utf-8")
    return int(status.partition("VmRSS:")[2].split()[0]) / 1024


def receive() -> None:
    """Take OTLP requests on the port that the command line names, and answer without a look at them."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while not reader.at_eof():
            try:
                await _answer(reader)
            except asyncio.IncompleteReadError:
                break
            writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n")

    async def run() -> None:
        server = await asyncio.start_server(serve, "127.0.0.1", int(sys.argv[1]))
        await server.serve_forever()

    uvloop.run(run())


def _overhead(contenders: list[Contender]) -> None:
    for turn in range(TURNS + 1):
        for contender in contenders:
            before = _cpu_seconds(contender.pid)
            calls, seconds = uvloop.run(_load(contender))
            if turn:  # the first one warms up
                contender.rates.append(calls / seconds)
                contender.cpu.append((_cpu_seconds(contender.pid) - before) / calls * 1e6)
    bare = contenders[0]
    print("| bridge | calls/s | of the bare one's | CPU of a call, µs | of the bare one's |\n|---|---|---|---|---|")
    for contender in contenders:
        rate = statistics.median(a / b for a, b in zip(contender.rates, bare.rates, strict=True))
        cpu = statistics.median(a / b for a, b in zip(contender.cpu, bare.cpu, strict=True))
        figures = f"{statistics.median(contender.rates):.0f} | {rate:.0%} | {statistics.median(contender.cpu):.0f}"
        print(f"| {contender.name} | {figures} | {cpu:.0%} |")


def _starts() -> float:
    """Return the median of the seconds from the start of a bridge to its first session."""
    found = []
    for _ in range(STARTS):
        contender = Contender("", port=_free_port())
        begun = time.monotonic()
        with _running(BRIDGE, *_arguments(contender)):
            uvloop.run(_initialize(contender.port))
            found.append(time.monotonic() - begun)
    return statistics.median(found)


def main() -> None:
    """Measure and print."""
    receiver = _free_port()
    quiet = ("--log-level", "warning")
    traced = ("--otlp-endpoint", f"http://127.0.0.1:{receiver}")
    contenders = [
        Contender("nothing", UNCOUNTED, quiet),
        Contender("metrics", BRIDGE, quiet),
        Contender("metrics, logs", BRIDGE),
        Contender("metrics, logs, traces of one call in ten (the default)", BRIDGE, traced),
        Contender("metrics, logs, traces of every call, in the client's trace", BRIDGE, traced, TRACED),
        Contender("metrics, a log line for every call", BRIDGE, ("--log-level", "debug")),
    ]
    with ExitStack() as stack:
        stack.enter_context(_running(RECEIVER, str(receiver)))
        for contender in contenders:
            contender.port = _free_port()
            contender.pid = stack.enter_context(_running(contender.program, *_arguments(contender)))
            uvloop.run(_initialize(contender.port))
        rest = [_resident(contender.pid) for contender in contenders]
        print(f"At rest, without its child: {rest[2]:.0f} MB; with traces {rest[4]:.0f} MB\n")
        _overhead(contenders)
    print(f"\nFrom spawn to the first session: {_starts():.2f} s")


if __name__ == "__main__":
    main()
