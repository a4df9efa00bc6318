"""Which replicas get traffic: those that Consul lists as passing and that verification has confirmed."""

import ipaddress
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

from mcp_wire.registration import Endpoint

from .policy import DNS_LABEL

GRACE_SECONDS = 60.0
"""A server whose replicas are all gone is answered 503 (come back) for so long, then 404."""

_SERVER = re.compile(DNS_LABEL)
_PORTS = range(1, 65536)

Address = tuple[str, int]


@dataclass(frozen=True, order=True)
class Upstream:
    """A server and where its replicas answer, sorted."""

    server: str
    endpoints: tuple[Address, ...] = ()


def well_formed(endpoint: Endpoint) -> bool:
    """Tell whether Envoy could use it at all: anybody in the network may write anything into Consul."""
    try:
        ipaddress.ip_address(endpoint.address)
    except ValueError:
        return False
    return _SERVER.fullmatch(endpoint.server) is not None and endpoint.port in _PORTS


class Catalog:
    """What the gateway routes to. Remembers servers for a while after their last replica went."""

    def __init__(self, clock: Callable[[], float]) -> None:
        """`clock` returns seconds that never go back."""
        self._clock = clock
        self._seen: dict[str, float] = {}

    def update(
        self, registered: Mapping[str, Iterable[Endpoint]], is_verified: Callable[[Endpoint], bool]
    ) -> tuple[Upstream, ...]:
        """Take what Consul lists by server, and return what to route, sorted by server."""
        now = self._clock()
        verified = {server: [e for e in endpoints if is_verified(e)] for server, endpoints in registered.items()}
        self._seen |= {server: now for server, endpoints in verified.items() if endpoints}
        self._seen = {server: seen for server, seen in self._seen.items() if now - seen < GRACE_SECONDS}
        return tuple(
            Upstream(server, tuple(sorted({(e.address, e.port) for e in verified.get(server, ()) if e.passing})))
            for server in sorted(self._seen)
        )
