"""Calls through the gateway by the official MCP client, one by one or without end beside another operation."""

import asyncio
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import httpx2
from mcp import Client
from mcp.client.streamable_http import streamable_http_client
from mcp.types import CallToolResult

ERAS = ("legacy", "2026-07-28")
CALL_SECONDS = 30.0
PAUSE_SECONDS = 0.1
"""Between two calls of steady traffic: enough of them to notice a gap, without taking the machine from the fleet."""


@dataclass(frozen=True)
class Answer:
    """What the client saw of one server: the revision it spoke, its tools' names, the result of one call."""

    revision: str
    tools: frozenset[str]
    result: CallToolResult

    @property
    def text(self) -> str:
        return "\n".join(getattr(part, "text", "") for part in self.result.content)


async def _ask(url: str, token: str, era: str, tool: str, arguments: dict[str, Any]) -> Answer:
    headers = {"Authorization": f"Bearer {token}"}
    async with (
        httpx2.AsyncClient(headers=headers, timeout=CALL_SECONDS) as http,
        Client(streamable_http_client(url, http_client=http), mode=era) as client,
    ):
        tools = await client.list_tools()
        result = await client.call_tool(tool, arguments)
        names = frozenset(entry.name for entry in tools.tools)
        return Answer(str(client.protocol_version), names, result)


def ask(url: str, token: str, tool: str, arguments: dict[str, Any], era: str = "2026-07-28") -> Answer:
    """List the tools and call one."""

    async def bounded() -> Answer:
        async with asyncio.timeout(CALL_SECONDS):
            return await _ask(url, token, era, tool, arguments)

    return asyncio.run(bounded())


def post(url: str, token: str | None, body: Any) -> httpx2.Response:
    """Send one raw legacy JSON-RPC message."""
    headers = {"Accept": "application/json, text/event-stream"}
    if token:
        headers["Authorization"] = f"Bearer {token}"
    return httpx2.post(url, json=body, headers=headers, timeout=CALL_SECONDS)


@dataclass
class Traffic:
    """Calls made beside an operation: how many were answered rightly, and what went wrong with the others."""

    answered: int = 0
    failures: list[str] = field(default_factory=list)


@contextmanager
def steady_traffic(url: str, token: str, tool: str, arguments: dict[str, Any], expect: str) -> Iterator[Traffic]:
    """Call a tool again and again, each call a whole modern exchange of its own, until the block ends."""
    traffic = Traffic()
    stop = threading.Event()

    def call() -> None:
        while not stop.is_set():
            try:
                answer = ask(url, token, tool, arguments)
            except Exception as error:  # noqa: BLE001 - every way to fail is a finding
                traffic.failures.append(repr(error))
                continue
            if expect in answer.text and not answer.result.is_error:
                traffic.answered += 1
            else:
                traffic.failures.append(answer.text)
            stop.wait(PAUSE_SECONDS)

    thread = threading.Thread(target=call)
    thread.start()
    try:
        yield traffic
    finally:
        stop.set()
        thread.join(CALL_SECONDS)
