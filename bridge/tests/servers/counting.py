"""A stdio MCP server that counts its calls by prometheus_client, as any server may, and can spoil its files."""

import os
import struct
from pathlib import Path

from mcp.server import MCPServer
from prometheus_client import Counter, Gauge

server = MCPServer("counting", version="1.0.0")
calls = Counter("wiki_reads", "Reads of the wiki.", ("page",))
forged = Gauge("mcp_service_health", "Not the bridge's.", ("server",), multiprocess_mode="max")


@server.tool()
def read(page: str) -> str:
    calls.labels(page).inc()
    forged.labels("another").set(7)
    return page


@server.tool()
def leave() -> str:
    os._exit(3)


@server.tool()
def spoil() -> str:
    folder = Path(os.environ["PROMETHEUS_MULTIPROC_DIR"])
    (folder / "counter_1.db").write_bytes(struct.pack("i", 1000) + b"\xff" * 100)
    return "spoiled"


server.run("stdio")
