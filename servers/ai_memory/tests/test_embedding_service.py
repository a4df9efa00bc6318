import asyncio
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
from mcp import Client
from mcp.types import TextContent
from mcp_chassis import Chassis

from ai_memory.server import VERSION, build
from ai_memory.settings import MemorySettings

MEANINGS = {"car": [1.0, 0.0, 0.0], "automobile": [0.98, 0.2, 0.0], "banana": [0.0, 0.0, 1.0]}
OUT_OF_ORDER = -1


class Service(ThreadingHTTPServer):
    """Answers OpenAI's embeddings API with vectors of three words; `broken` is what it answers instead."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.broken: object = None
        self.requests: list[dict[str, Any]] = []


class _Handler(BaseHTTPRequestHandler):
    server: Service

    def do_POST(self) -> None:
        request = json.loads(self.rfile.read(int(self.headers["content-length"])))
        self.server.requests.append({"path": self.path, "key": self.headers["authorization"], **request})
        data = [
            {"object": "embedding", "index": index, "embedding": MEANINGS[text]}
            for index, text in enumerate(request["input"])
        ][::OUT_OF_ORDER]
        answer = json.dumps(self.server.broken or {"object": "list", "data": data}).encode()
        self.send_response(200)
        self.send_header("content-length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing."""


@contextmanager
def serving() -> Iterator[Service]:
    service = Service()
    thread = threading.Thread(target=service.serve_forever)
    thread.start()
    try:
        yield service
    finally:
        service.shutdown()
        thread.join()
        service.server_close()


@pytest.fixture
def service() -> Iterator[Service]:
    with serving() as found:
        yield found


def client(dsn: str, service: Service) -> Client:
    settings = {
        "database_url": dsn,
        "embedding_url": f"http://127.0.0.1:{service.server_port}/v1",
        "embedding_model": "small",
        "embedding_dimensions": 3,
        "embedding_api_key": "hunter2",
    }
    return Client(build(Chassis("ai-memory", VERSION, MemorySettings.model_validate(settings))))


def test_a_model_that_runs_elsewhere_finds_what_means_the_same(dsn: str, service: Service) -> None:
    async def run() -> None:
        async with client(dsn, service) as connected:
            await connected.call_tool("store_memories", {"memories": [{"text": "automobile"}, {"text": "banana"}]})
            found: Any = (await connected.call_tool("search_memories", {"query": "car"})).structured_content
        assert [match["memory"]["text"] for match in found["matches"]] == ["automobile"]

    asyncio.run(run())
    first = service.requests[0]
    assert (first["path"], first["key"], first["model"]) == ("/v1/embeddings", "Bearer hunter2", "small")
    assert first["input"] == ["automobile", "banana"]


@pytest.mark.parametrize(
    ("broken", "reason"),
    [
        ({"error": "no model"}, "answered no embeddings"),
        ({"data": [{"index": 1, "embedding": [1, 0, 0]}]}, "left out some texts"),
        ({"data": [{"index": 0, "embedding": [1, 0]}]}, "set MCP_EMBEDDING_DIMENSIONS"),
    ],
)
def test_a_service_that_answers_otherwise_stores_nothing_and_says_why(
    dsn: str, service: Service, broken: object, reason: str
) -> None:
    async def run() -> None:
        service.broken = broken
        async with client(dsn, service) as connected:
            refused = await connected.call_tool("store_memories", {"memories": [{"text": "car"}]})
            assert refused.is_error
            (block,) = refused.content
            assert isinstance(block, TextContent)
            assert reason in block.text
            listed: Any = (await connected.call_tool("list_memories", {})).structured_content
        assert listed["total"] == 0

    asyncio.run(run())
