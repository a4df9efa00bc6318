"""Keeps one child running: starts it, learns what it speaks, watches it, restarts it, ends it."""

import asyncio
import contextlib
import time
from collections.abc import Callable
from typing import Final, Protocol

from mcp_bridge import logs
from mcp_bridge.core.audience import Audience
from mcp_bridge.core.link import Link, Listener
from mcp_bridge.redaction import Redactor

from . import survey
from .breaker import MAX_FAILURES, STEADY_SECONDS, Breaker, BreakerState
from .introduction import Introduction
from .pings import Pings
from .run import ChildFailedError, ChildSettings, CommandError, EndedEarlyError, Run, SilentError

SURVEY_SECONDS: Final = 5.0
FIRST_BACKOFF_SECONDS: Final = 0.1
MAX_BACKOFF_SECONDS: Final = 10.0
MAX_FAILING_SECONDS: Final = 60.0
"""When its child never came up in so long, or in five attempts, the bridge gives up and ends, for Swarm to see."""


class Owner(Protocol):
    """Who is told how the child fares."""

    def child_ready(self, link: Link) -> None:
        """A child has started and said what it speaks."""

    def child_failed(self, supervisor: "Supervisor") -> None:
        """The child did not come up, or failed once too often: there is none for a while."""


class Supervisor:
    """Owner of one child at a time, for an audience that stays. `start` and `stop` it; read the rest.

    Arguments:
        settings: how to run a child.
        listener: takes what the child says unasked.
        owner: is told how it fares.
        redactor: masks secret values in what is shown.
        breaker: decides when to leave the child alone.
        surveyed: is told what a child offers, before anybody is served by it.
    """

    def __init__(
        self,
        settings: ChildSettings,
        listener: Listener,
        owner: Owner,
        redactor: Redactor,
        breaker: Breaker,
        surveyed: Callable[[survey.Survey], None],
    ) -> None:
        self._settings = settings
        self._listener = listener
        self._owner = owner
        self._redactor = redactor
        self._breaker = breaker
        self._surveyed = surveyed
        self._task: asyncio.Task[None] | None = None
        self._run: Run | None = None
        self._introduction = Introduction(settings.start_seconds)
        self._resurvey = asyncio.Event()
        self._pings: Pings | None = None
        self._hopeless = False
        self.audience = Audience(stateless=True)
        self.link: Link | None = None
        self.survey = survey.Survey()
        self.reason: str | None = "it is starting"
        self.ready_at: float | None = None
        self.restarts = 0
        self.gave_up: asyncio.Future[str] = asyncio.get_running_loop().create_future()

    @property
    def pid(self) -> int | None:
        """Process id of the running child."""
        return (self._run.pid or None) if self._run is not None else None

    @property
    def hanging(self) -> bool:
        """Whether the child has not said a word for several pings."""
        return self._pings is not None and self._pings.hanging

    @property
    def breaker(self) -> BreakerState:
        """Whether the child is left alone."""
        return self._breaker.state(time.monotonic())

    @property
    def retry_seconds(self) -> float:
        """Seconds until the breaker lets another child be started."""
        return self._breaker.remaining(time.monotonic())

    def start(self) -> None:
        """Begin to keep a child running."""
        self._task = asyncio.create_task(self._keep())
        self._task.add_done_callback(self._ended)

    def _ended(self, task: asyncio.Task[None]) -> None:
        """A fault of the bridge's own must not look like a child that is still starting."""
        error = None if task.cancelled() else task.exception()
        if error is not None and not self.gave_up.done():
            self.gave_up.set_exception(error)

    async def stop(self) -> None:
        """End the child and its process group."""
        if self._task is not None:
            self._task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._task

    def survey_again(self) -> None:
        """Note that the child's lists have changed."""
        self._resurvey.set()

    async def _keep(self) -> None:
        failures = 0
        began = time.monotonic()
        served = False
        while True:
            ready_at: float | None = None
            try:
                ready_at = await self._serve()
            except SilentError as error:
                # No failure: it happens once, and the next child gets all of its time.
                logs.warning("child_silent", reason=str(error))
                self.restarts += 1
                continue
            except ChildFailedError as error:
                self._hopeless = isinstance(error, CommandError)
                self.reason = str(error)
            reason = self.reason or "it ended"
            now = time.monotonic()
            served = served or ready_at is not None
            failures = 1 if ready_at is not None and now - ready_at > STEADY_SECONDS else failures + 1
            self._breaker.failed(now)
            lasting = failures >= MAX_FAILURES or now - began > MAX_FAILING_SECONDS
            if self._hopeless or (lasting and not served):
                self.gave_up.set_result(reason)
                return
            backoff = min(FIRST_BACKOFF_SECONDS * 2 ** (failures - 1), MAX_BACKOFF_SECONDS)
            pause = max(backoff, self._breaker.remaining(now))
            logs.error("child_failed", reason=reason, failures=failures, restart_in_seconds=round(pause, 3))
            if ready_at is None or self.breaker is BreakerState.OPEN:
                self._owner.child_failed(self)
            await asyncio.sleep(pause)
            self.restarts += 1

    async def _serve(self) -> float:
        """Run one child to its end. Returns when it was ready; raises ChildFailedError where it never was."""
        run = Run(self._settings, self._listener, self.audience, self._redactor)
        started = time.monotonic()
        self._run = run
        try:
            await run.start()
            try:
                self.survey = await run.greet(self._introduction.make(run))
            except EndedEarlyError:
                self._introduction.child_died()
                raise
            self._surveyed(self.survey)
            ready_at = self._become_ready(run.link, started)
            watch = asyncio.create_task(self._watch(run.link))
            try:
                self.reason = await run.ended()
            finally:
                watch.cancel()
                with contextlib.suppress(asyncio.CancelledError):
                    await watch
            return ready_at
        finally:
            self.link = None
            self.ready_at = None
            self._pings = None
            await run.end(self.reason or "it was stopped")
            self._run = None

    def _become_ready(self, link: Link, started: float) -> float:
        profile = link.profile
        self.link = link
        self.reason = None
        self.ready_at = now = time.monotonic()
        self._breaker.came_up(now)
        logs.info(
            "child_ready",
            revision=profile.revision if profile else None,
            version=profile.version if profile else None,
            seconds=round(now - started, 3),
            **self.survey.counts,
        )
        self._owner.child_ready(link)
        return now

    async def _watch(self, link: Link) -> None:
        """Ping the child, and look at its lists again when it says that they changed."""
        pings = self._pings = Pings(link, self._settings.ping_seconds)
        while True:
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._resurvey.wait(), self._settings.ping_seconds)
            if self._resurvey.is_set():
                self._resurvey.clear()
                await self._survey(link)
            await pings.send()

    async def _survey(self, link: Link) -> None:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(SURVEY_SECONDS):
                self.survey = await survey.take(link)
                self._surveyed(self.survey)
