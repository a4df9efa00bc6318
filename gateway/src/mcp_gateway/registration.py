"""The gateway's own entry in Consul, by which Prometheus finds it."""

import asyncio
import logging
import socket
import uuid
from typing import Any
from urllib.parse import urlsplit

from mcp_wire.consul import Consul, ConsulError
from mcp_wire.registration import METRICS_TAG, Registration

SERVICE = "gateway"
TTL_SECONDS = 15
REFRESH_SECONDS = 5.0

_log = logging.getLogger(__name__)


class GatewayRegistration(Registration):
    """The gateway's metrics endpoint as a Consul service."""

    @classmethod
    def at(cls, address: str, port: int) -> "GatewayRegistration":
        """Return the registration of this very process, whose metrics are at `address`:`port`."""
        return cls(
            server=SERVICE,
            slot=1,
            task=uuid.uuid4().hex,
            address=address,
            port=port,
            version="",
            revisions=(),
            capabilities=(),
        )

    @property
    def id(self) -> str:
        """The Consul service id, `gateway-<task>`."""
        return f"{SERVICE}-{self.task[:8]}"

    @property
    def service(self) -> str:
        """The Consul service name. Without the servers' prefix: it is none."""
        return SERVICE

    def to_consul(self, *, ttl_seconds: int, passing: bool) -> dict[str, Any]:
        """Return the body of Consul's `PUT /v1/agent/service/register`."""
        body = super().to_consul(ttl_seconds=ttl_seconds, passing=passing)
        return {**body, "Tags": [METRICS_TAG], "Meta": {"metrics_path": "/metrics"}}


def own_address(peer: str) -> str:
    """Return the address from which this machine would reach the host of the URL `peer`. Raises OSError."""
    parts = urlsplit(peer)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.connect((parts.hostname or "localhost", parts.port or 80))  # sends nothing
        return str(probe.getsockname()[0])


async def keep_registered(consul: Consul, port: int) -> None:
    """Register, refresh the TTL check for ever, register again where Consul forgot; deregister when cancelled."""
    registration: GatewayRegistration | None = None
    registered = False
    try:
        while True:
            try:
                if registration is None:
                    address = await asyncio.to_thread(own_address, consul.address)
                    registration = GatewayRegistration.at(address, port)
                if registered:
                    await consul.refresh(registration)
                else:
                    await consul.register(registration, ttl_seconds=TTL_SECONDS, passing=True)
                    registered = True
            except (ConsulError, OSError) as error:
                if not registered:
                    _log.warning("cannot register the gateway in Consul: %s", error)
                registered = False
            await asyncio.sleep(REFRESH_SECONDS if registered else 1.0)
    finally:
        if registered and registration is not None:
            await _leave(consul, registration)


async def _leave(consul: Consul, registration: GatewayRegistration) -> None:
    try:
        async with asyncio.timeout(1.0):
            await consul.deregister(registration)
    except (ConsulError, TimeoutError) as error:
        _log.warning("cannot deregister from Consul, where the entry expires by itself: %s", error)
