"""Keeps one child running: starts it, learns what it speaks, watches it, restarts it, ends it.

Nothing else touches the process.
"""

import asyncio
import contextlib
import re
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Protocol

from . import logs, survey
from .child import Child
from .core.envelope import decode_child
from .core.errors import CONNECTION_LOST, RpcError
from .core.lines import LineTooLongError
from .core.link import Link, Listener
from .failure import LastWords, StderrLog
from .introduction import Introduction
from .redaction import Redactor

PING_SECONDS: Final = 10.0
PING_TIMEOUT_SECONDS: Final = 5.0
MISSED_PINGS: Final = 3
"""Pings without an answer, and without any other word of the child, after which it counts as hanging."""

FIRST_BACKOFF_SECONDS: Final = 0.1
MAX_BACKOFF_SECONDS: Final = 10.0
STEADY_SECONDS: Final = 10.0
"""A child that served this long has not failed to start."""

MAX_FAILURES: Final = 5
MAX_FAILING_SECONDS: Final = 60.0
"""After so many failures in a row, or failing for so long, the bridge gives up and ends, for Swarm to see."""

LOGGED_RUBBISH_LINES: Final = 10
_ANSWERED: Final = re.compile(rb'"id"\s*:\s*(\d+)\s*[,}]')


@dataclass(frozen=True, kw_only=True)
class ChildSettings:
    """How to run a child.

    Arguments:
        command: program and arguments.
        environment: all its variables, secrets included.
        start_seconds: within which it must have answered.
        max_message_bytes: bytes that one of its messages may have.
    """

    command: Sequence[str]
    environment: Mapping[str, str]
    start_seconds: float
    max_message_bytes: int


class Owner(Listener, Protocol):
    """Who is told how the child fares."""

    def child_ready(self, link: Link) -> None:
        """A child has started and said what it speaks."""

    def child_failed(self, reason: str) -> None:
        """The child is gone, or never came up; another is started soon."""


class ChildFailedError(Exception):
    """A child that did not come up, or ended. The message says why."""


class Supervisor:
    """Owner of one child at a time. `start` and `stop` it; read the rest."""

    def __init__(self, settings: ChildSettings, owner: Owner, redactor: Redactor) -> None:
        self._redactor = redactor
        self._settings = settings
        self._owner = owner
        self._task: asyncio.Task[None] | None = None
        self._child: Child | None = None
        self._words = LastWords(self._redactor)
        self._stderr_log = StderrLog(time.monotonic)
        self._introduction = Introduction(settings.start_seconds)
        self._resurvey = asyncio.Event()
        self._missed = 0
        self._hopeless = False
        self.link: Link | None = None
        self.survey = survey.Survey()
        self.reason: str | None = "it is starting"
        self.ready_at: float | None = None
        self.restarts = 0
        self.gave_up: asyncio.Future[str] = asyncio.get_running_loop().create_future()

    @property
    def pid(self) -> int | None:
        """Process id of the running child."""
        return self._child.pid if self._child is not None else None

    @property
    def congested(self) -> bool:
        """Whether the child is far behind with reading."""
        return self._child is not None and self._child.congested

    @property
    def hanging(self) -> bool:
        """Whether the child has not said a word for several pings."""
        return self._missed >= MISSED_PINGS

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
        failing_since = time.monotonic()
        while True:
            ready_at: float | None = None
            try:
                ready_at = await self._run()
            except ChildFailedError as error:
                reason = str(error)
            else:
                reason = self.reason or "it ended"
            now = time.monotonic()
            if ready_at is not None and now - ready_at > STEADY_SECONDS:
                failures, failing_since = 0, now
            failures += 1
            self.reason = reason
            if self._hopeless or failures >= MAX_FAILURES or now - failing_since > MAX_FAILING_SECONDS:
                self.gave_up.set_result(reason)
                return
            backoff = min(FIRST_BACKOFF_SECONDS * 2 ** (failures - 1), MAX_BACKOFF_SECONDS)
            logs.error("child_failed", reason=reason, failures=failures, restart_in_seconds=backoff)
            self._owner.child_failed(reason)
            await asyncio.sleep(backoff)
            self.restarts += 1

    async def _run(self) -> float:
        """Run one child to its end. Returns when it was ready; raises ChildFailedError where it never was."""
        self._words = LastWords(self._redactor)
        child = Child(
            on_line=self._heard,
            on_error_line=self._heard_error,
            max_line_bytes=self._settings.max_message_bytes,
        )
        link = Link(child.write, self._owner, time.monotonic)
        started = time.monotonic()
        self._child, self._link = child, link
        try:
            await self._start(child)
            await self._greet(link, child)
            ready_at = self._become_ready(link, started)
            watch = asyncio.create_task(self._watch(link))
            try:
                self.reason = self._words.explain(await child.ended)
            finally:
                watch.cancel()
                with contextlib.suppress(asyncio.CancelledError):
                    await watch
            return ready_at
        finally:
            self.link = None
            self.ready_at = None
            self._missed = 0
            await asyncio.shield(child.stop())
            self._child = None
            link.lost(self.reason or "it was stopped")

    async def _start(self, child: Child) -> None:
        try:
            await child.start(self._settings.command, self._settings.environment)
        except OSError as error:
            program = self._settings.command[0]
            self._hopeless = True
            raise ChildFailedError(f"{program} can't be run: {error.strerror or error}") from error
        logs.info("child_started", pid=child.pid, program=self._settings.command[0])

    def _become_ready(self, link: Link, started: float) -> float:
        profile = link.profile
        self.link = link
        self.reason = None
        self.ready_at = now = time.monotonic()
        logs.info(
            "child_ready",
            revision=profile.revision if profile else None,
            version=profile.version if profile else None,
            seconds=round(now - started, 3),
            **self.survey.counts,
        )
        self._owner.child_ready(link)
        return now

    # The first words

    async def _greet(self, link: Link, child: Child) -> None:
        """Learn the child's revision, and what it offers, before the deadline."""
        seconds = self._settings.start_seconds
        greeting = asyncio.create_task(self._introduction.make(link))
        try:
            async with asyncio.timeout(seconds):
                waiting: set[asyncio.Future[Any]] = {greeting, child.ended}
                await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
                if child.ended.done():
                    self._introduction.child_died()
                    raise ChildFailedError(self._words.explain(f"{child.ended.result()} before it answered"))
                self.survey = await greeting
        except TimeoutError as error:
            what = f"it gave no answer within {seconds:g} s"
            raise ChildFailedError(self._words.explain(what)) from error
        except RpcError as error:
            raise ChildFailedError(self._words.explain(error.message)) from error
        finally:
            greeting.cancel()
            with contextlib.suppress(asyncio.CancelledError, RpcError):
                await greeting

    # While it runs

    def _heard(self, line: bytes | LineTooLongError) -> None:
        if isinstance(line, LineTooLongError):
            self._heard_too_much(line)
            return
        message = decode_child(line)
        if message is not None:
            try:
                self._link.heard(message)
            except Exception as error:  # noqa: BLE001 - one message must not cost the others that came with it
                logs.fault("message_of_child_failed", error, method=message.method)
            return
        self._words.add_rubbish(line)
        if self._words.rubbish_lines <= LOGGED_RUBBISH_LINES:
            logs.warning("child_rubbish", stream="child", line=line[:300].decode(errors="replace"))

    def _heard_too_much(self, line: LineTooLongError) -> None:
        """Fail the call whose answer was too long, if its id can be found near either end."""
        limit = self._settings.max_message_bytes
        logs.warning("child_message_too_long", limit_bytes=limit)
        for match in _ANSWERED.finditer(line.edges):
            error = RpcError(CONNECTION_LOST, f"The server's answer exceeds {limit} bytes, the most there may be.")
            self._link.drop(match.group(1), error)

    def _heard_error(self, line: str) -> None:
        self._words.add_stderr(line)
        self._stderr_log.write(line)

    async def _watch(self, link: Link) -> None:
        """Ping the child, and look at its lists again when it says that they changed."""
        method = "server/discover" if link.profile is not None and link.profile.modern else "ping"
        while True:
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._resurvey.wait(), PING_SECONDS)
            if self._resurvey.is_set():
                self._resurvey.clear()
                await self._survey(link)
            asked_at = time.monotonic()
            try:
                async with asyncio.timeout(PING_TIMEOUT_SECONDS):
                    await survey.ask(link, method)
                self._missed = 0
            except TimeoutError:
                self._missed = 0 if link.last_heard > asked_at else self._missed + 1

    async def _survey(self, link: Link) -> None:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(PING_TIMEOUT_SECONDS):
                self.survey = await survey.take(link)
