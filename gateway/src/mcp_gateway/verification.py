"""Whether a registration is true: anybody in the fleet's network can write anything into Consul.

Docker's own DNS says which addresses the replicas of a service have, and no container can change that. So an address
counts for a server only if Docker lists it under the server's name, and a compromised server can't capture the
traffic (and the gateway token) of another.
"""

import asyncio
import logging
import socket
from collections.abc import Awaitable, Callable, Iterable, Mapping

from mcp_wire.registration import Endpoint

from .catalog import well_formed

FRESH_SECONDS = 5.0
"""A confirmed address is looked up again after this: it may be another container's by then."""
STALE_SECONDS = 30.0
"""With DNS failing, what it said last counts for so long."""

Resolve = Callable[[str], Awaitable[frozenset[str]]]
"""Return the addresses of a name, none where there is no such name. Raises ResolutionError where nobody knows."""

_log = logging.getLogger(__name__)


class ResolutionError(Exception):
    """DNS did not answer. The message names the host."""


async def resolve(host: str) -> frozenset[str]:
    """Ask the system's resolver, which is Docker's DNS inside a container. Raises ResolutionError."""
    try:
        found = await asyncio.get_running_loop().getaddrinfo(host, None, type=socket.SOCK_STREAM)
    except socket.gaierror as error:
        if error.errno in (socket.EAI_NONAME, socket.EAI_NODATA):
            return frozenset()
        raise ResolutionError(f"{host}: {error.strerror}") from error
    return frozenset(str(address[0]) for *_, address in found)


class Verifier:
    """Knows which registered addresses are true, as of the last `refresh`."""

    def __init__(self, resolve: Resolve, service_dns: str, clock: Callable[[], float]) -> None:
        """`service_dns` makes a server's host name of its name, such as `{server}` or `tasks.{server}`."""
        self._resolve = resolve
        self._service_dns = service_dns
        self._clock = clock
        self._answers: dict[str, tuple[float, frozenset[str]]] = {}
        self._silent: set[str] = set()
        """Servers about which DNS did not answer last time."""

    def is_verified(self, endpoint: Endpoint) -> bool:
        """Tell whether Docker lists the endpoint's address under its server's name."""
        _, addresses = self._answers.get(endpoint.server, (0.0, frozenset()))
        return well_formed(endpoint) and endpoint.address in addresses

    async def refresh(self, registered: Mapping[str, Iterable[Endpoint]]) -> None:
        """Look up the servers with an address that isn't confirmed, and those not looked up lately; forget others."""
        now = self._clock()
        due = []
        for server, endpoints in registered.items():
            usable = [endpoint for endpoint in endpoints if well_formed(endpoint)]
            asked, _ = self._answers.get(server, (-FRESH_SECONDS, frozenset()))
            if usable and (now - asked >= FRESH_SECONDS or not all(map(self.is_verified, usable))):
                due.append(server)
        self._answers = {server: answer for server, answer in self._answers.items() if server in registered}
        await asyncio.gather(*(self._look_up(server) for server in due))

    async def _look_up(self, server: str) -> None:
        try:
            addresses = await self._resolve(self._service_dns.format(server=server))
        except ResolutionError as error:
            asked, _ = self._answers.get(server, (self._clock(), frozenset()))
            if self._clock() - asked >= STALE_SECONDS:
                del self._answers[server]
            if server not in self._silent:
                _log.warning("cannot verify the replicas of %s, trying on: %s", server, error)
                self._silent.add(server)
        else:
            self._silent.discard(server)
            self._answers[server] = (self._clock(), addresses)
