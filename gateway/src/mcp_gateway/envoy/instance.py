"""One Envoy from its first configuration to its end."""

import asyncio
import logging
from pathlib import Path

from mcp_gateway.policy import Policy

from .admin import Admin, AdminError, within
from .applier import Applier
from .names import STAT_PREFIX
from .process import EnvoyError, EnvoyProcess
from .resources import Resources
from .validation import validate

QUIET_SECONDS = 0.5
"""Clients have left when none has been connected for so long: asked to leave, some come back at once."""

_ACTIVE = f"http.{STAT_PREFIX}.downstream_cx_active"
_TOTAL = f"http.{STAT_PREFIX}.downstream_cx_total"

_log = logging.getLogger(__name__)


class EnvoyInstance:
    """Envoy with its files and its admin interface. Starts with the first configuration: before, the port is closed.

    Use as an async context manager; leaving it ends the process.
    """

    def __init__(
        self,
        binary: str,
        folder: Path,
        *,
        port: int,
        concurrency: int,
        drain_seconds: float,
        notice_seconds: float = 0.0,
    ) -> None:
        """Put files into `folder`; see Settings for the seconds, and EnvoyProcess.start for the rest."""
        self.admin = Admin(folder / "admin.sock")
        self._applier = Applier(folder, self.admin)
        self._binary = binary
        self._candidate = folder / "candidate.json"
        self._port = port
        self._concurrency = concurrency
        self._drain_seconds = drain_seconds
        self._notice_seconds = notice_seconds
        self._process: asyncio.Future[EnvoyProcess] = asyncio.get_running_loop().create_future()
        self.serving = False

    async def __aenter__(self) -> "EnvoyInstance":
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.admin.aclose()
        if self._process.done():
            await self._process.result().stop()
        self._process.cancel()

    async def configure(self, resources: Resources, policy: Policy) -> None:
        """Check `resources`, and make Envoy use them, starting it if need be; return when it does.

        Raises RejectedError where they are bad: nothing has changed then. Raises AdminError where Envoy doesn't
        confirm: call again.
        """
        await validate(self._binary, resources, policy, port=self._port, candidate=self._candidate)
        if self._process.done():
            await self._applier.apply(resources)
        else:
            self._applier.write_first(resources, port=self._port)
            process = await EnvoyProcess.start(
                self._binary, self._applier.bootstrap, concurrency=self._concurrency, drain_seconds=self._drain_seconds
            )
            self._process.set_result(process)
        if not self.serving:
            await self._applier.started()
            self.serving = True
            _log.info("Envoy serves on port %d", self._port)

    async def ended(self) -> None:
        """Wait for Envoy to end by itself. Always raises EnvoyError."""
        code = await (await asyncio.shield(self._process)).wait()
        raise EnvoyError(f"Envoy ended by itself, exit code {code}: its last lines above say why")

    async def drain(self) -> None:
        """Fail health checks until a load balancer has seen it, then wait until all clients have left.

        The latter for the drain time at most. New ones are served until the end.
        """
        if not self.serving:
            return
        try:
            await self.admin.fail_health_checks()
            await asyncio.sleep(self._notice_seconds)
            await self.admin.drain_listeners()
            async with within(self._drain_seconds, "all clients leaving") as pause:
                now = asyncio.get_running_loop().time
                total, quiet_since = "", now()
                while now() - quiet_since < QUIET_SECONDS:
                    await pause()
                    stats = await self.admin.stats((_ACTIVE, _TOTAL))
                    if stats.get(_ACTIVE) != "0" or stats.get(_TOTAL) != total:
                        total, quiet_since = stats.get(_TOTAL, ""), now()
        except AdminError as error:
            _log.warning("ending with connections open: %s", error)
