"""Names of the HTTP headers between gateway and bridge. The gateway strips them from what clients send."""

CLIENT = "x-mcp-client"
"""Name of the authenticated client, as it stands in `mcp-fleet:clients`."""

GATEWAY_TOKEN = "x-mcp-gateway-token"  # noqa: S105 - a header's name
"""Proof that the request came through the gateway: `token.derive(master, server)`."""
