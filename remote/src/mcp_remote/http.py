"""The HTTP client that the SDK's transport sends by: it shows the credential, and tells faults as JSON-RPC errors."""

import asyncio
import json
from typing import Any, Final

import httpx2
from mcp_types import INTERNAL_ERROR
from mcp_types.jsonrpc import JSONRPCError
from pydantic import ValidationError

from .credentials import Credential, CredentialError
from .faults import no_answer, refusal, unreachable

CONNECT_SECONDS: Final = 10.0
READ_SECONDS: Final = 300.0
"""How long an answer may be silent; the stream of what the server says unasked may be for ever."""
FAILURES: Final = 3
"""Control requests in a row without an answer of MCP after which the server counts as away."""
CONTROL: Final = frozenset({"initialize", "ping", "server/discover"})
"""Requests that ask how the server is: a bridge sends one every few seconds."""

_SESSION = "mcp-session-id"


class RemoteHttp(httpx2.AsyncClient):
    """Sends requests to one remote server.

    What goes wrong becomes an answer with a JSON-RPC error in it: an exception would end the SDK's transport, with all
    other requests that are under way. `given_up` gets the reason where there is no use in going on.
    """

    def __init__(self, credential: Credential) -> None:
        timeout = httpx2.Timeout(READ_SECONDS, connect=CONNECT_SECONDS)
        super().__init__(timeout=timeout, follow_redirects=False, limits=httpx2.Limits(max_connections=None))
        self._credential = credential
        self._failures = 0
        self.given_up: asyncio.Future[str | None] = asyncio.get_running_loop().create_future()

    def give_up(self, why: str | None) -> None:
        """End the conversation. `why` is None where nothing is wrong."""
        if not self.given_up.done():
            self.given_up.set_result(why)

    async def send(self, request: httpx2.Request, **options: Any) -> httpx2.Response:  # noqa: ANN401 - as in the base
        """Send a request with the credential. Never raises what is the network's or the server's fault."""
        if request.method == "GET":
            request.extensions["timeout"] = {**request.extensions.get("timeout", {}), "read": None}
        message = _message(request)
        try:
            response, fault = await self._answer(request, message, options)
        except CredentialError as error:
            response, fault = None, str(error)
        except httpx2.TransportError as error:
            response, fault = None, unreachable(request.url, error)
        self._count(message, fault)
        if fault is None and response is not None:
            return response
        if response is not None:
            await response.aclose()
        return _told(request, fault or "")

    async def _answer(
        self, request: httpx2.Request, message: dict[str, Any], options: dict[str, Any]
    ) -> tuple[httpx2.Response, str | None]:
        """Return the answer, and why it is none of MCP."""
        shown = await self._credential.headers()
        request.headers.update(shown)
        response = await super().send(request, **options)
        if response.status_code == httpx2.codes.UNAUTHORIZED and await self._credential.refused(shown):
            await response.aclose()
            shown = await self._credential.headers()
            request.headers.update(shown)
            response = await super().send(request, **options)
        if response.status_code == httpx2.codes.NOT_FOUND and _SESSION in request.headers:
            self.give_up("it ended the session; a new one is made")
        fault = refusal(response, shown=bool(shown))
        if fault and (said := await _error(response)) is not None:
            if response.status_code not in (httpx2.codes.UNAUTHORIZED, httpx2.codes.FORBIDDEN):
                return response, None  # in the server's own words
            fault = f"{fault}; it says: {said}"
        if fault is None and "id" in message and "method" in message:
            fault = no_answer(response)
        return response, fault

    def _count(self, message: dict[str, Any], fault: str | None) -> None:
        if message.get("method") not in CONTROL:
            return
        self._failures = 0 if fault is None else self._failures + 1
        if fault is not None and self._failures >= FAILURES:
            self.give_up(fault)


def _message(request: httpx2.Request) -> dict[str, Any]:
    """Return what a POST carries; nothing for other requests."""
    message = json.loads(request.content) if request.method == "POST" else {}
    return message if isinstance(message, dict) else {}


async def _error(response: httpx2.Response) -> str | None:
    """Return the message of a JSON-RPC error; None where the body is none."""
    if not response.headers.get("content-type", "").lower().startswith("application/json"):
        return None
    try:
        return JSONRPCError.model_validate_json(await response.aread(), by_name=False).error.message
    except ValidationError:
        return None


def _told(request: httpx2.Request, sentence: str) -> httpx2.Response:
    error = {"jsonrpc": "2.0", "id": None, "error": {"code": INTERNAL_ERROR, "message": sentence}}
    return httpx2.Response(httpx2.codes.BAD_GATEWAY, json=error, request=request)
