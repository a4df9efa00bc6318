"""`fleet connect` without a name: the tools of all servers of a fleet as those of one stdio server.

Requests are those of the stateless revision, so there are no sessions that could end, and a server that comes back is
simply there. Only tools are passed on: no resources, prompts, or questions that a server asks in the middle of a call.
"""

import asyncio
import sys
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Final

from mcp import Client, MCPError
from mcp.client.streamable_http import streamable_http_client
from mcp.server.context import ServerRequestContext
from mcp.server.lowlevel import Server
from mcp.server.stdio import stdio_server
from mcp.types import (
    INVALID_PARAMS,
    CallToolRequestParams,
    CallToolResult,
    ListToolsResult,
    PaginatedRequestParams,
    Tool,
)
from mcp_remote.credentials import StaticHeaders
from mcp_remote.http import RemoteHttp
from mcp_types.version import LATEST_MODERN_VERSION

from fleet.calls import every_tool

SEPARATOR: Final = "__"
"""Between a server's name, which has no underscore, and a tool's. Model providers take letters, digits, `_` and `-`."""


class AllServers:
    """The servers of a fleet, seen as one.

    Arguments:
        clients: one of each server, entered, by the servers' names.
    """

    def __init__(self, clients: Mapping[str, Client]) -> None:
        self._clients = clients

    async def tools(self) -> list[Tool]:
        """Return the tools of all servers that answer. What the others say goes to stderr."""
        found = await asyncio.gather(*(self._tools(name, client) for name, client in sorted(self._clients.items())))
        return [tool for tools in found for tool in tools]

    async def call(self, tool: str, arguments: Mapping[str, object]) -> CallToolResult:
        """Call a tool by the name that `tools` gave it. Raises MCPError with the server's or the gateway's words."""
        server, _, own_name = tool.partition(SEPARATOR)
        if server not in self._clients or not own_name:
            known = ", ".join(sorted(self._clients))
            raise MCPError(INVALID_PARAMS, f"no tool {tool!r}: names are SERVER{SEPARATOR}TOOL, with servers {known}")
        return await self._clients[server].call_tool(own_name, dict(arguments))

    async def _tools(self, name: str, client: Client) -> list[Tool]:
        try:
            tools = await every_tool(client)
        except MCPError as error:
            print(f"{name} is left out: {error.message}", file=sys.stderr, flush=True)
            return []
        return [tool.model_copy(update={"name": f"{name}{SEPARATOR}{tool.name}"}) for tool in tools]


def connect_all(urls: Mapping[str, str], token: str) -> None:
    """Be a stdio server with the tools of all servers at `urls`, as the client whose API key is `token`.

    Ends with the input.
    """
    asyncio.run(_serve(urls, token))


async def _serve(urls: Mapping[str, str], token: str) -> None:
    async with _entered(urls, token) as servers, stdio_server() as (from_client, to_client):
        server = _server(servers)
        await server.run(from_client, to_client, server.create_initialization_options())


@asynccontextmanager
async def _entered(urls: Mapping[str, str], token: str) -> AsyncIterator[AllServers]:
    """Make the clients. Nothing is sent yet."""
    async with AsyncExitStack() as stack:
        clients: dict[str, Client] = {}
        for name, url in urls.items():
            http = await stack.enter_async_context(RemoteHttp(StaticHeaders({"authorization": f"Bearer {token}"})))
            client = Client(streamable_http_client(url, http_client=http), mode=LATEST_MODERN_VERSION)
            clients[name] = await stack.enter_async_context(client)
        yield AllServers(clients)


def _server(servers: AllServers) -> Server[object]:
    async def list_tools(_: ServerRequestContext[object], __: PaginatedRequestParams | None) -> ListToolsResult:
        return ListToolsResult(tools=await servers.tools())

    async def call_tool(_: ServerRequestContext[object], params: CallToolRequestParams) -> CallToolResult:
        return await servers.call(params.name, params.arguments or {})

    return Server(
        "mcp-fleet",
        instructions=f"Tools of several servers: a name is SERVER{SEPARATOR}TOOL.",
        on_list_tools=list_tools,
        on_call_tool=call_tool,
    )
