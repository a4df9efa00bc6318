"""Between a client and a remote server: each message goes on as it came."""

import asyncio
from collections.abc import Mapping
from contextlib import suppress
from typing import Any, Final, Protocol

from mcp.client.streamable_http import streamable_http_client
from mcp.shared.inbound import (
    MCP_METHOD_HEADER,
    MCP_NAME_HEADER,
    MCP_PROTOCOL_VERSION_HEADER,
    NAME_BEARING_METHODS,
    encode_header_value,
    find_invalid_x_mcp_header,
    mcp_param_headers,
    x_mcp_header_map,
)
from mcp.shared.jsonrpc_dispatcher import cancelled_request_id_from_params
from mcp.shared.message import ClientMessageMetadata, SessionMessage
from mcp_types import (
    PARSE_ERROR,
    PROTOCOL_VERSION_META_KEY,
    ErrorData,
    JSONRPCError,
    JSONRPCMessage,
    JSONRPCNotification,
    JSONRPCRequest,
    JSONRPCResponse,
    RequestId,
)

from .http import RemoteHttp

MAX_EVENT_BYTES: Final = 64 << 20
"""Of one message in a stream of events; the bridge has its own, lower limit for a line."""
LAST_ANSWERS_SECONDS: Final = 5.0
"""How long answers are waited for once the client says no more."""


class Reader(Protocol):
    """Where messages come from."""

    def __aiter__(self) -> "Reader":
        """Iterate until there are no more."""

    async def __anext__(self) -> SessionMessage | Exception:
        """Return the next message, or why it could not be read."""


class Writer(Protocol):
    """Where messages go."""

    async def send(self, item: SessionMessage, /) -> None:
        """Send one."""

    async def aclose(self) -> None:
        """Send no more."""


async def relay(url: str, http: RemoteHttp, from_client: Reader, to_client: Writer) -> None:
    """Pass messages on until there are no more from the client and the last is answered, or `http` gives up.

    The session at the server at `url` is ended then.
    """
    conversation = Conversation()
    async with streamable_http_client(url, http_client=http, max_sse_event_size=MAX_EVENT_BYTES) as (
        from_server,
        to_server,
    ):
        up = asyncio.create_task(_up(from_client, to_server, to_client, conversation))
        down = asyncio.create_task(_down(from_server, to_client, conversation))
        try:
            ends: set[asyncio.Future[Any]] = {up, down, http.given_up}
            await asyncio.wait(ends, return_when=asyncio.FIRST_COMPLETED)
        finally:
            up.cancel()
            down.cancel()
            ended = await asyncio.gather(up, down, return_exceptions=True)
    for outcome in ended:
        if isinstance(outcome, Exception):
            raise outcome


async def _up(from_client: Reader, to_server: Writer, to_client: Writer, conversation: "Conversation") -> None:
    async for found in from_client:
        if isinstance(found, Exception):
            unreadable = ErrorData(code=PARSE_ERROR, message="a line is no JSON-RPC message")
            await to_client.send(SessionMessage(JSONRPCError(jsonrpc="2.0", id=None, error=unreadable)))
        else:
            await to_server.send(conversation.stamped(found.message))
    with suppress(TimeoutError):
        async with asyncio.timeout(LAST_ANSWERS_SECONDS):
            await conversation.all_answered.wait()


async def _down(from_server: Reader, to_client: Writer, conversation: "Conversation") -> None:
    async for found in from_server:
        if not isinstance(found, Exception):
            await to_client.send(SessionMessage(found.message))
            conversation.observe(found.message)


class Conversation:
    """What is under way, and what a request repeats of its body in headers, as both eras ask for.

    https://modelcontextprotocol.io/specification/2026-07-28/basic/transports#standard-mcp-request-headers
    """

    def __init__(self) -> None:
        self._asked: dict[RequestId, str] = {}
        """The methods of requests under way, by id."""
        self.all_answered = asyncio.Event()
        self.all_answered.set()
        self._negotiated: str | None = None
        self._parameters: dict[str, Mapping[tuple[str, ...], str]] = {}
        """Which arguments of a tool are repeated, by tool."""

    def stamped(self, message: JSONRPCMessage) -> SessionMessage:
        """Return a message of the client's with its headers."""
        headers: dict[str, str] = {}
        if isinstance(message, JSONRPCRequest):
            self._asked[message.id] = message.method
            self.all_answered.clear()
            headers = self._of_request(message.method, message.params or {})
        elif self._negotiated is not None:
            headers = {MCP_PROTOCOL_VERSION_HEADER: self._negotiated}
        if isinstance(message, JSONRPCNotification) and message.method == "notifications/cancelled":
            self._answered(cancelled_request_id_from_params(message.params))
        return SessionMessage(message, ClientMessageMetadata(headers=headers) if headers else None)

    def observe(self, message: JSONRPCMessage) -> None:
        """Learn from a message of the server's."""
        if not isinstance(message, JSONRPCResponse | JSONRPCError):
            return
        method = self._answered(message.id)
        if isinstance(message, JSONRPCError):
            return
        if method == "initialize" and isinstance(version := message.result.get("protocolVersion"), str):
            self._negotiated = version
        if method == "tools/list":
            self._learn_tools(message.result.get("tools"))

    def _answered(self, request: RequestId | None) -> str | None:
        """Note that no answer is to come any more; return the request's method."""
        method = self._asked.pop(request, None) if request is not None else None
        if not self._asked:
            self.all_answered.set()
        return method

    def _of_request(self, method: str, params: Mapping[str, Any]) -> dict[str, str]:
        meta = params.get("_meta")
        version = meta.get(PROTOCOL_VERSION_META_KEY) if isinstance(meta, dict) else None
        if not isinstance(version, str):
            known = self._negotiated if method != "initialize" else None
            return {} if known is None else {MCP_PROTOCOL_VERSION_HEADER: known}
        headers = {MCP_PROTOCOL_VERSION_HEADER: version, MCP_METHOD_HEADER: method}
        name = params.get(NAME_BEARING_METHODS.get(method, ""))
        if isinstance(name, str):
            headers[MCP_NAME_HEADER] = encode_header_value(name)
            arguments = params.get("arguments")
            if method == "tools/call" and isinstance(arguments, dict):
                headers |= mcp_param_headers(self._parameters.get(name, {}), arguments)
        return headers

    def _learn_tools(self, tools: object) -> None:
        for tool in tools if isinstance(tools, list) else []:
            if isinstance(tool, dict) and isinstance(name := tool.get("name"), str):
                schema = tool.get("inputSchema")
                self._parameters[name] = {} if find_invalid_x_mcp_header(schema) else x_mcp_header_map(schema)
