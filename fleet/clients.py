"""What a client may use, and what it needs to connect: its key is referred to, and never written down."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from fleet.client_formats import Connection, Http
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


def by_url(config: "StackConfig", client: str, urls: Mapping[str, str]) -> dict[str, Connection]:
    """How a client connects to the servers that it may use and that run, its key as a reference to a variable."""
    headers = {"Authorization": f"Bearer {{{TOKEN_VARIABLE}}}"}
    return {name: Http(url=urls[name], headers=headers) for name in servers_of(config, client) if name in urls}


def summary(config: "StackConfig", client: str) -> dict[str, Any]:
    """A client as `fleet clients` lists it: its tier, its requests per minute (None is unlimited), its servers."""
    servers = servers_of(config, client)
    if client == OPERATOR:
        return {"tier": None, "rpm": None, "servers": servers}
    entry = config.clients[client]
    rpm = entry.rpm if entry.rpm is not None else config.tiers[entry.tier].rpm
    return {"tier": entry.tier, "rpm": rpm, "servers": servers}
