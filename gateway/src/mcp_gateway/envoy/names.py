"""Names that one Envoy resource uses to refer to another, and the type URLs of those resources."""

from typing import Any

Resource = dict[str, Any]
"""One Envoy message in protobuf's JSON form."""

LISTENER = "gateway"
STAT_PREFIX = "gateway"
ROUTES = "servers"
API_KEYS = "api_keys"
LIMITS = "limits"
TOOLS = "tools"
MCP = "envoy.filters.http.mcp"
"""The MCP filter, and the namespace of the metadata that it reads from a request's body."""
PROMETHEUS = "-prometheus"
"""Cluster and route of the fleet's Prometheus. No server can have this name: it is no DNS label."""

OTLP = "-otlp"
"""Cluster of the receiver of traces. No server can have this name either."""

_TYPES = "type.googleapis.com/envoy."


def type_url(message: str) -> str:
    """Return the type URL of an Envoy message, such as `config.cluster.v3.Cluster`."""
    return _TYPES + message


def typed(message: str, **fields: object) -> Resource:
    """Return a message as protobuf's Any: its type and its fields."""
    return {"@type": type_url(message), **fields}
