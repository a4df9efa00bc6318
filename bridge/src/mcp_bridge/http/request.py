"""One parsed HTTP request."""

from mcp_bridge.core.origin import NOWHERE

from .head import Head


class Request:
    """A request as it came.

    Arguments:
        head: request line and header fields, of which some vary from request to request.
        headers: all header fields.
        body: the whole body.
    """

    __slots__ = ("body", "head", "headers", "origin")

    def __init__(self, head: Head, headers: dict[bytes, bytes], body: bytes) -> None:
        self.head = head
        self.headers = headers
        self.body = body
        self.origin = NOWHERE

    def header(self, name: bytes) -> str | None:
        """Return a header's value, None where it was not sent."""
        value = self.headers.get(name)
        return None if value is None else value.decode("latin-1")
