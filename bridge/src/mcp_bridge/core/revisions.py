"""Protocol revisions, and the names that each era puts on the wire.

Sources: https://modelcontextprotocol.io/specification (2026-07-28, 2025-11-25, 2025-06-18, 2025-03-26).
"""

from typing import Final

MODERN: Final = "2026-07-28"
"""The stateless revision: every request carries its own envelope in `params._meta`, and there are no sessions."""

SESSION_REVISIONS: Final = ("2025-11-25", "2025-06-18", "2025-03-26")
"""Revisions that open with `initialize` and live in an HTTP session, newest first."""

SERVED: Final = (MODERN, *SESSION_REVISIONS)
"""What clients of the bridge can speak, newest first."""

PRIMED: Final = frozenset({"2025-11-25"})
"""Revisions whose event streams begin with an event id and no message; older clients would take it for one."""

BATCHING: Final = "2025-03-26"
"""The only revision whose HTTP transport has JSON-RPC batches."""

META_PREFIX: Final = "io.modelcontextprotocol/"
META_VERSION: Final = META_PREFIX + "protocolVersion"
META_CLIENT_INFO: Final = META_PREFIX + "clientInfo"
META_CLIENT_CAPABILITIES: Final = META_PREFIX + "clientCapabilities"
META_LOG_LEVEL: Final = META_PREFIX + "logLevel"
META_SERVER_INFO: Final = META_PREFIX + "serverInfo"
META_SUBSCRIPTION: Final = META_PREFIX + "subscriptionId"
ENVELOPE_KEYS: Final = frozenset({META_VERSION, META_CLIENT_INFO, META_CLIENT_CAPABILITIES, META_LOG_LEVEL})
"""Keys of a modern request's `_meta` that speak to the protocol, not to the tool."""

NAMED_BY: Final = {"tools/call": "name", "prompts/get": "name", "resources/read": "uri"}
"""Methods that act on something named, with the parameter that names it. Modern clients repeat it in Mcp-Name."""

CACHEABLE: Final = frozenset(
    {
        "prompts/list",
        "resources/list",
        "resources/read",
        "resources/templates/list",
        "server/discover",
        "tools/list",
    }
)
"""Methods whose modern results must carry `ttlMs` and `cacheScope`."""

REPEATABLE: Final = frozenset({"prompts/list", "resources/list", "resources/templates/list", "tools/list"})
"""Methods that only read, so that they are put to the next child when one ends over them. `ping` and `server/discover`
would be too, but the bridge answers these itself."""

ANSWERED_HERE: Final = frozenset(
    {
        "logging/setLevel",
        "ping",
        "resources/subscribe",
        "resources/unsubscribe",
        "server/discover",
        "subscriptions/listen",
    }
)
"""Methods that the bridge serves itself as a rule, so that they never wait for the child's other calls."""

SESSION_ONLY: Final = frozenset(
    {"initialize", "ping", "logging/setLevel", "resources/subscribe", "resources/unsubscribe"}
)
"""Methods that the modern revision removed."""

MODERN_ONLY: Final = frozenset({"server/discover", "subscriptions/listen"})
"""Methods that the modern revision brought."""

LOG_LEVELS: Final = ("debug", "info", "notice", "warning", "error", "critical", "alert", "emergency")
"""From the most to the least verbose (RFC 5424)."""
