"""Names of the HTTP headers between gateway and bridge. The gateway strips them from what clients send."""

CLIENT = "x-mcp-client"
"""Name of the authenticated client, as it stands in `mcp-fleet:clients`."""

GATEWAY_TOKEN = "x-mcp-gateway-token"  # noqa: S105 - a header's name
"""Proof that the request came through the gateway: `token.derive(master, server)`."""

TIER = "x-mcp-tier"
"""Name of the client's tier, as it stands in `mcp-fleet:tiers`."""

PRIORITY = "x-mcp-priority"
"""The tier's place when calls must wait, a whole number; more goes first."""

TOOLS = "x-mcp-tools"
"""The tools that the client may call, as `tools.encode` writes them. Not sent for clients that may call all."""
