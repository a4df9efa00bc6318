"""How a replica appears in Consul: written by the bridge, read by the gateway and Prometheus."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

SERVICE_PREFIX = "mcp-"
METRICS_TAG = "metrics"
"""Services with this tag are scraped by Prometheus at their address, port and `metrics_path`."""


@dataclass(frozen=True, kw_only=True)
class Registration:
    """One replica of one server.

    Arguments:
        server: the server's name in the stack config.
        slot: the replica's number within its service, from 1.
        task: an identifier of this very container: two tasks share a slot while one replaces the other.
        address, port: where the replica answers HTTP inside the fleet's network.
        version: the version that the MCP server reports of itself.
        revisions: the protocol revisions that clients can use, newest first.
        capabilities: names of the MCP capabilities that the server declares, sorted.
    """

    server: str
    slot: int
    task: str
    address: str
    port: int
    version: str
    revisions: tuple[str, ...]
    capabilities: tuple[str, ...]

    @property
    def id(self) -> str:
        """The Consul service id, `mcp-<server>-<nnn>-<task>`."""
        return f"{SERVICE_PREFIX}{self.server}-{self.slot:03d}-{self.task[:8]}"

    @property
    def service(self) -> str:
        """The Consul service name, `mcp-<server>`."""
        return f"{SERVICE_PREFIX}{self.server}"

    def to_consul(self, *, ttl_seconds: int, passing: bool) -> dict[str, Any]:
        """Return the body of Consul's `PUT /v1/agent/service/register`.

        The TTL check has the id `service:<id>`; it turns critical `ttl_seconds` after the last refresh, and a
        minute later (Consul's minimum) the registration is dropped
        (https://developer.hashicorp.com/consul/api-docs/agent/service).
        """
        return {
            "ID": self.id,
            "Name": self.service,
            "Address": self.address,
            "Port": self.port,
            "Tags": ["mcp", METRICS_TAG],
            "Meta": {
                "server": self.server,
                "version": self.version,
                "revisions": ",".join(self.revisions),
                "capabilities": ",".join(self.capabilities),
                "metrics_path": "/metrics",
            },
            "Check": {
                "TTL": f"{ttl_seconds}s",
                "Status": "passing" if passing else "critical",
                "DeregisterCriticalServiceAfter": "1m",
            },
        }


@dataclass(frozen=True, kw_only=True)
class Endpoint:
    """Where a registered replica answers, and whether its TTL check passes."""

    id: str
    server: str
    address: str
    port: int
    passing: bool

    @classmethod
    def from_consul(cls, entry: Mapping[str, Any]) -> "Endpoint":
        """Read one element of Consul's `GET /v1/health/service/<name>`.

        Raises KeyError where a field is missing.
        """
        service = entry["Service"]
        return cls(
            id=service["ID"],
            server=service["Service"].removeprefix(SERVICE_PREFIX),
            address=service["Address"],
            port=service["Port"],
            passing=all(check["Status"] == "passing" for check in entry["Checks"]),
        )
