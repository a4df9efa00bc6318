"""Envoy's admin interface: what it has applied, and how it is told to drain.
https://www.envoyproxy.io/docs/envoy/v1.40.0/operations/admin
"""

import asyncio
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import httpx2

CALL_TIMEOUT_SECONDS = 5.0
_FIRST_PAUSE_SECONDS = 0.002
_LONGEST_PAUSE_SECONDS = 0.1


class AdminError(Exception):
    """Envoy's admin interface did not answer, or not in time. The message says what was asked."""


class Admin:
    """A client of one Envoy's admin socket. Close it after use."""

    def __init__(self, socket: Path) -> None:
        transport = httpx2.AsyncHTTPTransport(uds=str(socket))
        self._http = httpx2.AsyncClient(transport=transport, base_url="http://envoy", timeout=CALL_TIMEOUT_SECONDS)

    async def aclose(self) -> None:
        """Close its connections."""
        await self._http.aclose()

    async def is_live(self) -> bool:
        """Tell whether Envoy has started and is not draining."""
        try:
            response = await self._http.get("/ready")
        except httpx2.TransportError:
            return False
        return response.status_code == 200

    async def stats(self, names: tuple[str, ...]) -> dict[str, str]:
        """Return the values of the stats of exactly these names, without those that Envoy doesn't have."""
        pattern = "^(" + "|".join(map(re.escape, names)) + ")$"
        text = await self._call("GET", "/stats", params={"filter": pattern})
        return dict(_parse(line) for line in text.splitlines() if ": " in line)

    async def prometheus(self) -> str:
        """Return the stats that were ever touched, in Prometheus' text format."""
        return await self._call("GET", "/stats/prometheus", params={"usedonly": ""})

    async def fail_health_checks(self) -> None:
        """Answer /healthz 503 from now on, and ask clients to close their connections."""
        await self._call("POST", "/healthcheck/fail")

    async def drain_listeners(self) -> None:
        """Let clients leave one by one; the port stays open until Envoy ends."""
        await self._call("POST", "/drain_listeners", params={"graceful": "", "skip_exit": ""})

    async def _call(self, method: str, path: str, *, params: dict[str, str] | None = None) -> str:
        try:
            response = await self._http.request(method, path, params=params)
            response.raise_for_status()
        except httpx2.HTTPError as error:
            raise AdminError(f"Envoy's admin interface, {method} {path}: {error or type(error).__name__}") from error
        return response.text


def _parse(line: str) -> tuple[str, str]:
    name, _, value = line.partition(": ")
    return name, value.strip('"')


@asynccontextmanager
async def within(seconds: float, what: str) -> AsyncIterator["Pauses"]:
    """Give the block `seconds` to see a condition come true. Raises AdminError naming `what` did not happen."""
    try:
        async with asyncio.timeout(seconds):
            yield Pauses()
    except TimeoutError:
        raise AdminError(f"{what}: not within {seconds:.0f} s") from None


class Pauses:
    """Pauses between looks at a condition that nothing announces: short at first, then longer."""

    def __init__(self) -> None:
        self._seconds = _FIRST_PAUSE_SECONDS

    async def __call__(self) -> None:
        """Pause before the next look."""
        await asyncio.sleep(self._seconds)
        self._seconds = min(2 * self._seconds, _LONGEST_PAUSE_SECONDS)
