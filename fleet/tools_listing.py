"""Asks a server on stdin and stdout for its tools, with the words in which the bridge asks it."""

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from typing import Any, Final, TextIO

from mcp import Client, MCPError, StdioServerParameters
from mcp.client import ClientRequestContext
from mcp.client.stdio import stdio_client
from mcp.types import (
    INVALID_REQUEST,
    CreateMessageRequestParams,
    ElicitRequestParams,
    ErrorData,
    ListToolsRequest,
    PaginatedRequestParams,
)
from pydantic import BaseModel, Field

ERAS: Final = ("auto", "legacy")
"""The client's modes, in the order in which they are tried: some servers die of `server/discover`, or fall silent."""

NOBODY = ErrorData(code=INVALID_REQUEST, message="nobody is here to answer: the server's tools are being recorded")


class NoToolsError(Exception):
    """A server did not list its tools; what it was that kept it is the cause."""


class _Page(BaseModel):
    tools: list[dict[str, Any]]
    next_cursor: str | None = Field(default=None, alias="nextCursor")


def list_tools(
    start: Callable[[], AbstractContextManager[StdioServerParameters]], seconds: float, said: TextIO
) -> Sequence[Mapping[str, Any]]:
    """Return all that a server says of each of its tools: what the SDK's own type does not know, too.

    Arguments:
        start: gives the command of a new process, and removes what that one left. Where the newer question led
            nowhere, another is asked the older one.
        seconds: how long each of them may take.
        said: gets what the server writes on stderr, of the last process alone.

    Raises:
        NoToolsError: it listed none in time.
    """
    for era in ERAS:
        said.seek(0)
        said.truncate()
        try:
            with start() as parameters:
                return asyncio.run(_listed(parameters, era, seconds, said))
        except (TimeoutError, MCPError, OSError, ExceptionGroup) as error:
            failure = error
    raise NoToolsError from failure


async def _listed(
    parameters: StdioServerParameters, era: str, seconds: float, said: TextIO
) -> Sequence[Mapping[str, Any]]:
    async with asyncio.timeout(seconds), _client(parameters, era, said) as client:
        return [tool async for tool in _every_tool(client)]


def _client(parameters: StdioServerParameters, era: str, said: TextIO) -> Client:
    """Return a client that is able to do what `mcp_wire.client_capabilities` says, as the bridge is."""
    return Client(
        stdio_client(parameters, errlog=said), mode=era, sampling_callback=_sample, elicitation_callback=_elicit
    )


async def _sample(context: ClientRequestContext, params: CreateMessageRequestParams) -> ErrorData:
    return NOBODY


async def _elicit(context: ClientRequestContext, params: ElicitRequestParams) -> ErrorData:
    return NOBODY


async def _every_tool(client: Client) -> AsyncIterator[Mapping[str, Any]]:
    """Yield the tools page by page."""
    cursor: str | None = None
    while True:
        request = ListToolsRequest(params=PaginatedRequestParams(cursor=cursor))
        page = await client.session.send_request(request, _Page)
        for tool in page.tools:
            yield tool
        if (cursor := page.next_cursor) is None:
            return
