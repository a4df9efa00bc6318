"""The tools that a client may call: how gateway and bridge tell each other, and what both tell who calls another."""

from collections.abc import Iterable
from urllib.parse import quote, unquote

MAX_BYTES = 16 * 1024
"""The longest value that is sent: proxies and servers bound what headers may have together."""

FORBIDDEN = -32012
"""JSON-RPC error code of a call that is refused."""

FORBIDDEN_MESSAGE = (
    "This client may not call this tool of this server. "
    "Ask an operator to change it under `mcp-fleet:clients` in the stack config, then `pulumi up`."
)


def encode(names: Iterable[str]) -> str:
    """Return a header's value for some tools: names in their order, percent-encoded, between commas.

    No tool at all is a comma: proxies drop empty headers, and without one every tool is allowed.
    """
    return ",".join(quote(name, safe="") for name in sorted(names)) or ","


def decode(value: str) -> frozenset[str]:
    """Return the tools that a header's value names. Whatever can't be read names none."""
    return frozenset(unquote(name) for name in value.split(",") if name)
