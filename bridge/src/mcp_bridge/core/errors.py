"""JSON-RPC error codes, and how an error looks on the wire."""

from typing import Any, Final

import msgspec
from mcp_wire import tools

PARSE_ERROR: Final = -32700
INVALID_REQUEST: Final = -32600
METHOD_NOT_FOUND: Final = -32601
INVALID_PARAMS: Final = -32602
INTERNAL_ERROR: Final = -32603
REQUEST_CANCELLED: Final = -32800
"""Ends the stream of a cancelled request for clients of the session revisions, as the official SDK does."""

CONNECTION_LOST: Final = -32000
"""The server process ended with the call in flight. It may have run: repeat it only if that does no harm."""

OVERLOADED: Final = -32017
"""More calls wait than may. The call did not run."""

UNAVAILABLE: Final = -32001
"""The server can't take calls now: it is starting, failed, overloaded or going away. The call did not run."""

HEADER_MISMATCH: Final = -32020
UNSUPPORTED_VERSION: Final = -32022

HTTP_STATUS: Final = {
    PARSE_ERROR: 400,
    INVALID_REQUEST: 400,
    INVALID_PARAMS: 400,
    HEADER_MISMATCH: 400,
    -32021: 400,  # the client lacks a capability that the request needs
    UNSUPPORTED_VERSION: 400,
    METHOD_NOT_FOUND: 404,
    tools.FORBIDDEN: 403,
    OVERLOADED: 429,
    UNAVAILABLE: 503,
}
"""HTTP status that the modern revision assigns to an error code, whoever raised it; 200 otherwise."""


class RpcError(Exception):
    """A request that can't be served, as the JSON-RPC error that says so.

    Arguments:
        code: JSON-RPC error code.
        message: one sentence: what is wrong and what to do.
        data: anything JSON, or None.
    """

    def __init__(self, code: int, message: str, data: object = None) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.data = data

    def encode(self) -> bytes:
        """Return the JSON of the `error` member."""
        body: dict[str, Any] = {"code": self.code, "message": self.message}
        if self.data is not None:
            body["data"] = self.data
        return msgspec.json.encode(body)


class ChildLostError(RpcError):
    """The child ended with the call in flight, so the answer will not come."""

    def __init__(self, reason: str) -> None:
        super().__init__(CONNECTION_LOST, f"The server process ended during this call: {reason}")


class UnavailableError(RpcError):
    """There is no child for the call, which did not run.

    Arguments:
        message: what is wrong.
        retry_seconds: when it is worth to try again.
        code: JSON-RPC error code; its HTTP status goes to clients of either era.
    """

    def __init__(self, message: str, retry_seconds: float = 2.0, code: int = UNAVAILABLE) -> None:
        super().__init__(code, message)
        self.retry_seconds = retry_seconds


class OverloadedError(UnavailableError):
    """There are more calls than may wait for the children."""

    def __init__(self, message: str, retry_seconds: float) -> None:
        super().__init__(message, retry_seconds, OVERLOADED)
