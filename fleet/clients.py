"""What a client needs to connect: an `.mcp.json` that refers to its key and never holds it."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from fleet.errors import FleetError

if TYPE_CHECKING:
    from stacks.config import StackConfig

TOKEN_VARIABLE = "MCP_FLEET_TOKEN"  # noqa: S105 - a variable's name
OPERATOR = "operator"
"""The client that every stack has: it may use every server."""


def names(config: "StackConfig") -> list[str]:
    """The clients of a stack, the operator included."""
    return sorted({OPERATOR, *config.clients})


def servers_of(config: "StackConfig", client: str) -> list[str]:
    """The servers that a client may use, wholly or in part. Raises FleetError where there is no such client."""
    if client == OPERATOR:
        return sorted(config.servers)
    if client not in config.clients:
        raise FleetError(
            f"there is no client {client!r}",
            hint=f"clients: {', '.join(names(config))}; a new one goes under mcp-fleet:clients",
        )
    allowed = config.clients[client].servers
    return sorted(config.servers if allowed is None else allowed)


def mcp_json(config: "StackConfig", client: str, urls: Mapping[str, str]) -> dict[str, Any]:
    """The `.mcp.json` for a client: the servers that it may use and that run, its key as an environment reference."""
    headers = {"Authorization": f"Bearer ${{{TOKEN_VARIABLE}}}"}
    return {
        "mcpServers": {
            server: {"type": "http", "url": urls[server], "headers": headers}
            for server in servers_of(config, client)
            if server in urls
        }
    }


def summary(config: "StackConfig", client: str) -> dict[str, Any]:
    """A client as `fleet clients` lists it: its tier, its requests per minute (None is unlimited), its servers."""
    servers = servers_of(config, client)
    if client == OPERATOR:
        return {"tier": None, "rpm": None, "servers": servers}
    entry = config.clients[client]
    rpm = entry.rpm if entry.rpm is not None else config.tiers[entry.tier].rpm
    return {"tier": entry.tier, "rpm": rpm, "servers": servers}
