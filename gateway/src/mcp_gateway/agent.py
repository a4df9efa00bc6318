"""The agent: follows the policy service and Consul, keeps Envoy in step, and sees it in and out."""

import asyncio
import time
from collections.abc import Coroutine
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from mcp_wire.consul import Consul

from .consul_watch import ConsulWatch
from .envoy.instance import EnvoyInstance
from .envoy.process import find_envoy
from .metrics import Metrics, application
from .policy_watch import PolicyWatch
from .reconciler import Reconciler
from .registration import keep_registered
from .serving import embedded_server
from .verification import Resolve, Verifier, resolve


@dataclass(frozen=True, kw_only=True)
class Settings:
    """What the command line says.

    Arguments:
        port: where clients come in.
        metrics_port: where Prometheus comes in.
        consul, policy: URLs of Consul's HTTP API and of the policy service.
        master: the secret behind the fleet's internal tokens.
        service_dns: makes a server's host name of its name; see Verifier.
        notice_seconds: how long the load balancer in front of it may still send clients once its health checks fail.
        drain_seconds: how long clients may take to leave once the gateway is told to stop.
        state_dir: folder for Envoy's files; made if need be, 0700.
        concurrency: Envoy's worker threads.
        prometheus: host and port of the fleet's Prometheus; None where there is none.
        otlp: host and port of the receiver of traces; None for no traces.
    """

    port: int
    metrics_port: int
    consul: str
    policy: str
    master: str = field(repr=False)
    service_dns: str
    notice_seconds: float
    drain_seconds: float
    state_dir: Path
    concurrency: int
    prometheus: tuple[str, int] | None
    otlp: tuple[str, int] | None = None


async def run(settings: Settings, stop: asyncio.Event, *, resolve: Resolve = resolve) -> None:
    """Be a gateway until `stop` is set, then let clients leave, and end.

    `resolve` asks DNS for a host's addresses. Raises an ExceptionGroup with an EnvoyError where
    Envoy ends by itself.
    """
    settings.state_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
    metrics = Metrics()
    async with AsyncExitStack() as stack:
        envoy = await stack.enter_async_context(
            EnvoyInstance(
                find_envoy(),
                settings.state_dir,
                port=settings.port,
                concurrency=settings.concurrency,
                notice_seconds=settings.notice_seconds,
                drain_seconds=settings.drain_seconds,
            )
        )
        consul = await stack.enter_async_context(Consul(settings.consul))
        policies = await stack.enter_async_context(
            PolicyWatch(settings.policy, settings.master, metrics.policy_contact.set_to_current_time)
        )
        registrations = ConsulWatch(consul, time.monotonic, metrics.consul_contact.set_to_current_time)
        reconciler = Reconciler(
            envoy,
            Verifier(resolve, settings.service_dns, time.monotonic),
            metrics,
            time.monotonic,
            master=settings.master,
            prometheus=settings.prometheus,
            otlp=settings.otlp,
        )
        endpoint = application(metrics, envoy.admin.prometheus, lambda: envoy.serving)
        server = embedded_server(endpoint, host="0.0.0.0", port=settings.metrics_port)  # noqa: S104 - for Prometheus
        async with asyncio.TaskGroup() as group, _Cancelled(group) as followers:
            followers.start(envoy.ended())
            followers.start(reconciler.run())
            followers.start(_follow_policy(policies, reconciler))
            followers.start(_follow_consul(registrations, reconciler))
            serving = followers.start(server.serve())
            async with _Cancelled(group) as registering:
                registering.start(keep_registered(consul, settings.metrics_port))
                await stop.wait()
            # Replicas are followed to the end: in a shutdown they are leaving, too.
            await envoy.drain()
            server.should_exit = True
            await serving


class _Cancelled:
    """Tasks of a group that are cancelled, and waited for, at the end of a block."""

    def __init__(self, group: asyncio.TaskGroup) -> None:
        self._group = group
        self._tasks: list[asyncio.Task[None]] = []

    async def __aenter__(self) -> "_Cancelled":
        return self

    async def __aexit__(self, *_: object) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.wait(self._tasks)

    def start(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        """Run `work` in the group, and return its task."""
        task = self._group.create_task(work)
        self._tasks.append(task)
        return task


async def _follow_policy(policies: PolicyWatch, reconciler: Reconciler) -> None:
    async for policy in policies.changes():
        reconciler.set_policy(policy)


async def _follow_consul(registrations: ConsulWatch, reconciler: Reconciler) -> None:
    async for registered in registrations.changes():
        reconciler.set_registered(registered)
