"""Follow Consul: which replicas of which servers are registered, as soon as that changes."""

import asyncio
import logging
from collections.abc import AsyncIterator, Callable

from mcp_wire.consul import Consul, ConsulError
from mcp_wire.registration import SERVICE_PREFIX, Endpoint

WAIT_SECONDS = 60.0
RETRY_SECONDS = 1.0
LOST_SECONDS = 30.0
"""When Consul lost its state, replicas register again within their refresh; until then, what it knew before counts."""

Registered = dict[str, tuple[Endpoint, ...]]
"""Endpoints by server, passing or not."""

_log = logging.getLogger(__name__)


class ConsulWatch:
    """Reads Consul's list anew after each change. Errors and a Consul that forgot leave what was known in place."""

    def __init__(self, consul: Consul, clock: Callable[[], float], on_contact: Callable[[], None]) -> None:
        """`on_contact` is called each time that Consul answered."""
        self._consul = consul
        self._clock = clock
        self._on_contact = on_contact
        self._index = 0
        self._known: Registered = {}
        self._kept_until = 0.0

    async def changes(self) -> AsyncIterator[Registered]:
        """Yield what is registered, at once and after each change, for ever."""
        index = 0
        while True:
            try:
                index = await self._next_index(index)
                registered = await self._read()
            except ConsulError as error:
                _log.warning("keeping what Consul said last: %s", error)
                index = 0  # it may have restarted: ask without waiting
                await asyncio.sleep(RETRY_SECONDS)
                continue
            self._on_contact()
            yield self._merged(registered)

    async def _next_index(self, index: int) -> int:
        keeping = self._kept_until - self._clock()
        wait = min(WAIT_SECONDS, keeping + 1) if keeping > 0 else WAIT_SECONDS
        new = await self._consul.wait_for_change(index, wait_seconds=wait)
        if new < self._index:
            _log.warning(
                "Consul lost its state: keeping the known replicas for %.0f s while they register", LOST_SECONDS
            )
            self._kept_until = self._clock() + LOST_SECONDS
        self._index = new
        return new

    async def _read(self) -> Registered:
        servers = sorted(name for name in await self._consul.services() if name.startswith(SERVICE_PREFIX))
        found = await asyncio.gather(*(self._consul.endpoints(name) for name in servers))
        return {name.removeprefix(SERVICE_PREFIX): endpoints for name, endpoints in zip(servers, found, strict=True)}

    def _merged(self, registered: Registered) -> Registered:
        if self._clock() < self._kept_until:
            for server, endpoints in self._known.items():
                now = registered.get(server, ())
                ids = {endpoint.id for endpoint in now}
                registered[server] = (*now, *(endpoint for endpoint in endpoints if endpoint.id not in ids))
        self._known = registered
        return registered
