"""Keeps this replica in Consul: registers when it serves, passes its check, leaves before it ends."""

import asyncio
import contextlib
import socket
from collections.abc import Callable
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

from mcp_wire.registration import Registration

from . import logs

if TYPE_CHECKING:
    from mcp_wire.consul import Consul

TTL_SECONDS: Final = 10
REFRESH_SECONDS: Final = 3.0
LEAVE_SECONDS: Final = 2.0


class Registrar:
    """The replica's entry in Consul.

    Arguments:
        consul: URL of Consul's HTTP API.
        describe: returns the registration for an own address, None while the replica does not serve.
    """

    def __init__(self, consul: str, describe: Callable[[str], Registration | None]) -> None:
        self._consul = consul
        self._describe = describe
        self._task: asyncio.Task[None] | None = None
        self._look = asyncio.Event()
        self._registered: Registration | None = None
        self.registered_once = False
        self.problem: str | None = "not registered yet"

    def start(self) -> None:
        """Begin to keep the entry."""
        self._task = asyncio.create_task(self._keep())

    def look(self) -> None:
        """The replica has begun or ceased to serve: see to the entry now."""
        self._look.set()

    async def leave(self) -> None:
        """Remove the entry, now and for good."""
        if self._task is None:
            return
        self._task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await self._task
        from mcp_wire.consul import Consul, ConsulError

        if self._registered is None:
            return
        try:
            async with asyncio.timeout(LEAVE_SECONDS), Consul(self._consul) as consul:
                await consul.deregister(self._registered)
        except (ConsulError, TimeoutError) as error:
            logs.warning("deregister_failed", reason=str(error) or "no answer in time")
        else:
            logs.info("deregistered", id=self._registered.id)
        self._registered = None

    async def _keep(self) -> None:
        # Imported here: a bridge that is run by hand does without the HTTP client and its memory.
        from mcp_wire.consul import Consul, ConsulError

        async with Consul(self._consul) as consul:
            while True:
                try:
                    await self._step(consul)
                except (ConsulError, OSError) as error:
                    if self.problem != str(error):
                        logs.warning("consul_unreachable", reason=str(error))
                    self.problem = str(error)
                self._look.clear()
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(self._look.wait(), REFRESH_SECONDS)

    async def _step(self, consul: "Consul") -> None:
        """Register, pass the check, or leave, whichever is due."""
        wanted = self._describe(await own_address(self._consul))
        if wanted is None:
            if self._registered is not None:
                await consul.deregister(self._registered)
                self._registered = None
            return
        if self._registered == wanted and self.problem is None:
            await consul.refresh(wanted)
            return
        # Noted before: a call that is cut off may have arrived, and must be taken back in the end.
        self._registered, self.problem = wanted, "registration not confirmed"
        await consul.register(wanted, ttl_seconds=TTL_SECONDS, passing=True)
        # A check that existed keeps its state when it is registered again.
        await consul.refresh(wanted)
        self.registered_once = True
        self.problem = None
        logs.info("registered", id=wanted.id, address=wanted.address, port=wanted.port)


async def own_address(url: str) -> str:
    """Return the address of this machine that packets towards `url` leave from; nothing is sent.

    Raises OSError where the host's name is unknown or there is no route.
    """
    parts = urlsplit(url)
    loop = asyncio.get_running_loop()
    found = await loop.getaddrinfo(parts.hostname, parts.port or 80, type=socket.SOCK_DGRAM)
    family, kind, protocol, _, address = found[0]
    with socket.socket(family, kind, protocol) as probe:
        probe.connect(address)
        return str(probe.getsockname()[0])
