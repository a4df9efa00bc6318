"""From what the policy service and Consul say, and what DNS confirms, to what Envoy does."""

import asyncio
import logging
from collections.abc import Callable, Mapping

from mcp_wire.registration import Endpoint

from .catalog import Catalog, Upstream, well_formed
from .envoy.admin import AdminError
from .envoy.instance import EnvoyInstance
from .envoy.resources import build
from .envoy.validation import RejectedError
from .metrics import Metrics
from .policy import Policy
from .verification import FRESH_SECONDS, Verifier

PENDING_SECONDS = 0.1
"""Docker's DNS lists a replica shortly after it registered: look again soon,"""
PATIENCE_SECONDS = 5.0
"""and after so long without success, seldom."""
PATIENT_SECONDS = 1.0
RETRY_SECONDS = 1.0

Registered = Mapping[str, tuple[Endpoint, ...]]
Inputs = tuple[Policy, tuple[Upstream, ...]]

_log = logging.getLogger(__name__)


class Reconciler:
    """Keeps Envoy in step. Nothing happens before both the policy and Consul's list are known."""

    def __init__(
        self,
        envoy: EnvoyInstance,
        verifier: Verifier,
        metrics: Metrics,
        clock: Callable[[], float],
        *,
        master: str,
        prometheus: tuple[str, int] | None,
        otlp: tuple[str, int] | None,
    ) -> None:
        self._envoy = envoy
        self._verifier = verifier
        self._catalog = Catalog(clock)
        self._metrics = metrics
        self._clock = clock
        self._master = master
        self._prometheus = prometheus
        self._otlp = otlp
        self._changed = asyncio.Event()
        self._policy: Policy | None = None
        self._registered: Registered | None = None
        self._settled: Inputs | None = None
        """What was applied, or rejected: either way not to be tried again."""
        self._pending: frozenset[Endpoint] = frozenset()
        self._pending_since = 0.0

    def set_policy(self, policy: Policy) -> None:
        """Take a new policy."""
        self._policy = policy
        self._changed.set()

    def set_registered(self, registered: Registered) -> None:
        """Take what Consul lists, by server."""
        self._registered = registered
        self._changed.set()

    async def run(self) -> None:
        """Bring Envoy up to date at each change, and look at DNS again as often as needed, for ever."""
        pause: float | None = None
        while True:
            await self._change_within(pause)
            if self._policy is None or self._registered is None:
                continue
            started = self._clock()
            await self._verifier.refresh(self._registered)
            upstreams = self._catalog.update(self._registered, self._verifier.is_verified)
            self._note_pending(self._registered)
            pause = self._pause()
            if (self._policy, upstreams) != self._settled and not await self._settle(self._policy, upstreams, started):
                pause = RETRY_SECONDS

    async def _change_within(self, seconds: float | None) -> None:
        try:
            async with asyncio.timeout(seconds):
                await self._changed.wait()
        except TimeoutError:
            return
        self._changed.clear()

    async def _settle(self, policy: Policy, upstreams: tuple[Upstream, ...], started: float) -> bool:
        """Apply, and tell whether there is nothing left to try."""
        resources = build(policy, upstreams, master=self._master, prometheus=self._prometheus, otlp=self._otlp)
        try:
            await self._envoy.configure(resources, policy)
        except RejectedError as error:
            self._metrics.changes.labels(result="rejected").inc()
            _log.error("keeping the configuration as it is, Envoy would refuse the new one: %s", error)
        except AdminError as error:
            self._metrics.changes.labels(result="failed").inc()
            _log.warning("trying again: %s", error)
            return False
        else:
            self._note_applied(policy, upstreams)
            self._metrics.apply_seconds.observe(self._clock() - started)
        self._settled = (policy, upstreams)
        return True

    def _note_applied(self, policy: Policy, upstreams: tuple[Upstream, ...]) -> None:
        metrics = self._metrics
        metrics.changes.labels(result="applied").inc()
        metrics.policy.clear()
        metrics.policy.labels(version=policy.version).set(1)
        metrics.endpoints.clear()
        for upstream in upstreams:
            metrics.endpoints.labels(server=upstream.server).set(len(upstream.endpoints))
        served = ", ".join(f"{upstream.server}: {len(upstream.endpoints)}" for upstream in upstreams) or "none"
        _log.info("applied policy %s and replicas of servers (%s)", policy.version, served)

    def _note_pending(self, registered: Registered) -> None:
        pending = frozenset(
            endpoint
            for endpoints in registered.values()
            for endpoint in endpoints
            if well_formed(endpoint) and not self._verifier.is_verified(endpoint)
        )
        self._metrics.unverified.set(len(pending))
        if pending != self._pending:
            for endpoint in sorted(pending - self._pending, key=lambda endpoint: endpoint.id):
                _log.info("waiting for DNS to confirm %s at %s:%s", endpoint.id, endpoint.address, endpoint.port)
            self._pending, self._pending_since = pending, self._clock()

    def _pause(self) -> float:
        if not self._pending:
            return FRESH_SECONDS
        patient = self._clock() - self._pending_since >= PATIENCE_SECONDS
        return PATIENT_SECONDS if patient else PENDING_SECONDS
