"""Calls tools of a server through the gateway, as any client does: with the official SDK and an API key."""

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Final, TypeVar

import httpx2
from mcp import Client, MCPError
from mcp.client.streamable_http import streamable_http_client
from mcp.types import (
    CONNECTION_CLOSED,
    REQUEST_TIMEOUT,
    CallToolResult,
    ContentBlock,
    EmbeddedResource,
    ResourceLink,
    TextContent,
    TextResourceContents,
    Tool,
)
from mcp_types.version import LATEST_MODERN_VERSION

from fleet.errors import FleetError

CONNECT_SECONDS = 5.0
BAD_REQUEST = 400
LOST: Final = frozenset({CONNECTION_CLOSED, REQUEST_TIMEOUT})
"""JSON-RPC error codes of calls that got no answer: of the SDK, and of the bridge, which has the same two."""
Answer = TypeVar("Answer")


class ServerError(FleetError):
    """The server answered the call with an error of its own, in place of a result."""


class Era(StrEnum):
    """Which protocol to speak: sessions up to 2025-11-25, stateless from 2026-07-28, or what the server prefers."""

    AUTO = "auto"
    MODERN = "modern"
    LEGACY = "legacy"

    @property
    def mode(self) -> str:
        """The SDK's name of it."""
        return LATEST_MODERN_VERSION if self is Era.MODERN else self.value


@dataclass(frozen=True, kw_only=True)
class Endpoint:
    """Where and as whom to call. The token is never printed by repr."""

    server: str
    url: str
    token: str = field(repr=False)
    era: Era = Era.AUTO
    seconds: float = 60.0


def list_tools(endpoint: Endpoint) -> list[Tool]:
    """Return the tools of a server that this client may use. Raises FleetError with the gateway's own words."""
    return _run(endpoint, every_tool)


async def every_tool(client: Client) -> list[Tool]:
    """Return the tools of a server, page by page."""
    tools: list[Tool] = []
    cursor = None
    while True:
        page = await client.list_tools(cursor=cursor)
        tools += page.tools
        if (cursor := page.next_cursor) is None:
            return tools


def call_tool(endpoint: Endpoint, tool: str, arguments: dict[str, Any]) -> CallToolResult:
    """Call a tool. A tool's own failure is a result with `is_error`.

    Raises FleetError where no result comes: a ServerError where the server says so itself.
    """
    return _run(endpoint, lambda client: client.call_tool(tool, arguments))


def texts(result: CallToolResult) -> list[str]:
    """What a result says, block by block; for a picture or sound, what it is."""
    return [_text(block) for block in result.content]


def structured(result: CallToolResult) -> object:
    """A result as JSON: its structured content if it has one, else its blocks as they were sent."""
    if result.structured_content is not None:
        return result.structured_content
    return [block.model_dump(mode="json", by_alias=True, exclude_none=True) for block in result.content]


def _text(block: ContentBlock) -> str:
    match block:
        case TextContent():
            return block.text
        case ResourceLink():
            return str(block.uri)
        case EmbeddedResource(resource=TextResourceContents() as resource):
            return resource.text
        case EmbeddedResource(resource=resource):
            return f"[{resource.mime_type or resource.uri}; --json prints it]"
        case _:
            return f"[{block.mime_type}; --json prints it]"


def _run(endpoint: Endpoint, ask: Callable[[Client], Awaitable[Answer]]) -> Answer:
    async def session() -> Answer:
        refusals: list[httpx2.Response] = []
        try:
            async with _client(endpoint, refusals) as client:
                return await ask(client)
        except Exception as error:
            if (cause := _cause(error)) is None:
                raise
            raise _explained(endpoint, cause, refusals) from error

    return asyncio.run(session())


@asynccontextmanager
async def _client(endpoint: Endpoint, refusals: list[httpx2.Response]) -> AsyncIterator[Client]:
    """A session at the server; HTTP errors on the way are kept in `refusals`, as the SDK drops their bodies."""

    async def keep(response: httpx2.Response) -> None:
        if response.is_error:
            await response.aread()
            refusals.append(response)

    http = httpx2.AsyncClient(
        headers={"Authorization": f"Bearer {endpoint.token}"},
        timeout=httpx2.Timeout(endpoint.seconds, connect=CONNECT_SECONDS),
        event_hooks={"response": [keep]},
    )
    async with http:
        transport = streamable_http_client(endpoint.url, http_client=http)
        async with Client(transport, mode=endpoint.era.mode, read_timeout_seconds=endpoint.seconds) as client:
            yield client


def _cause(error: BaseException) -> MCPError | httpx2.HTTPError | None:
    """The first error in a tree of groups and causes that says why a call failed."""
    if isinstance(error, MCPError | httpx2.HTTPError):
        return error
    if isinstance(error, BaseExceptionGroup):
        return next((cause for inner in error.exceptions if (cause := _cause(inner)) is not None), None)
    return None


def _explained(endpoint: Endpoint, error: MCPError | httpx2.HTTPError, refusals: list[httpx2.Response]) -> FleetError:
    # 400 is how the modern protocol spells the server's own complaint; the others are the gateway's, or a proxy's.
    if refusals and refusals[-1].status_code != BAD_REQUEST:
        return FleetError(f"{endpoint.url} answered {refusals[-1].status_code}: {_body(refusals[-1])}")
    if isinstance(error, MCPError):
        advice = f"`fleet call {endpoint.server} --list` lists its tools"
        kind = FleetError if error.code in LOST else ServerError
        return kind(f"{endpoint.server}: {error.message}", hint=advice)
    advice = f"`fleet status` says whether it runs, `fleet why {endpoint.server}` why not"
    return FleetError(f"{endpoint.url}: {error or type(error).__name__}", hint=advice)


def _body(response: httpx2.Response) -> str:
    """What an HTTP error says: the message of a JSON-RPC error, as the gateway sends it, or any text."""
    try:
        return str(json.loads(response.text)["error"]["message"])
    except (ValueError, KeyError, TypeError):
        return response.text.strip()[:200] or response.reason_phrase
