"""Health by component. A server whose database is away still answers: it is degraded, not dead."""

import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from typing import Final

import anyio
import structlog

from .metrics import COMPONENT_HEALTH

CHECK_SECONDS: Final = 5.0
"""After which a check that did not end counts as failed."""


class Status(StrEnum):
    """How a component, or the whole server, is."""

    HEALTHY = "healthy"
    DEGRADED = "degraded"
    UNHEALTHY = "unhealthy"


_LEVELS: Final = {Status.HEALTHY: 1.0, Status.DEGRADED: 0.5, Status.UNHEALTHY: 0.0}


@dataclass(frozen=True, kw_only=True)
class Component:
    """How one component is: `reason` says why it is not healthy, `latency_ms` how long its check took."""

    status: Status = Status.HEALTHY
    reason: str | None = None
    latency_ms: float = 0.0


@dataclass(frozen=True, kw_only=True)
class Report:
    """How the server is: `timestamp` is an ISO 8601 time in UTC, `uptime` in seconds."""

    status: Status
    server: str
    version: str
    timestamp: str
    uptime: float
    components: dict[str, Component]


Check = Callable[[], Awaitable[Component]]
"""Looks after one component. One that raises, or takes more than CHECK_SECONDS, says that it is unhealthy."""


@dataclass(frozen=True)
class _Watched:
    check: Check
    required: bool


class Health:
    """Asks the components how they are.

    Arguments:
        server: the server's name.
        version: its version.
        seconds: how long a check may take.
    """

    def __init__(self, server: str, version: str, *, seconds: float = CHECK_SECONDS) -> None:
        self._server = server
        self._version = version
        self._seconds = seconds
        self._started = time.monotonic()
        self._components: dict[str, _Watched] = {}

    def watch(self, component: str, check: Check, *, required: bool = False) -> None:
        """Report on a component. Without one that is `required` the server is unhealthy, otherwise degraded."""
        if component in self._components:
            raise ValueError(f"there is a component {component!r} already; give this one another name")
        self._components[component] = _Watched(check, required)

    async def report(self) -> Report:
        """Check all components at the same time."""
        found: dict[str, Component] = {}

        async def ask(name: str, watched: _Watched) -> None:
            found[name] = await self._asked(name, watched.check)

        async with anyio.create_task_group() as group:
            for name, watched in self._components.items():
                group.start_soon(ask, name, watched)
        for name, component in found.items():
            COMPONENT_HEALTH.labels(name).set(_LEVELS[component.status])
        return Report(
            status=self._overall(found),
            server=self._server,
            version=self._version,
            timestamp=datetime.now(UTC).isoformat(timespec="seconds"),
            uptime=round(time.monotonic() - self._started, 1),
            components={name: found[name] for name in self._components},
        )

    async def _asked(self, name: str, check: Check) -> Component:
        began = time.perf_counter()
        try:
            with anyio.fail_after(self._seconds):
                answer = await check()
        except TimeoutError:
            answer = Component(status=Status.UNHEALTHY, reason=f"no answer within {self._seconds:g} s")
        except Exception as error:  # noqa: BLE001 - whatever keeps a check from ending well is what it found
            # Its text may quote a password, as drivers' errors do: it goes to the log, where secrets are masked.
            structlog.get_logger("mcp_chassis").warning("health_check_failed", component=name, reason=str(error))
            answer = Component(status=Status.UNHEALTHY, reason=f"{type(error).__name__}; the log says more")
        milliseconds = round((time.perf_counter() - began) * 1000, 1)
        return Component(status=answer.status, reason=answer.reason, latency_ms=milliseconds)

    def _overall(self, found: dict[str, Component]) -> Status:
        down = {name for name, component in found.items() if component.status is Status.UNHEALTHY}
        if any(self._components[name].required for name in down):
            return Status.UNHEALTHY
        well = all(component.status is Status.HEALTHY for component in found.values())
        return Status.HEALTHY if well else Status.DEGRADED
