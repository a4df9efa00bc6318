"""One child from its start to its end, with the conversation that is had with it."""

import asyncio
import contextlib
import time
from collections.abc import Coroutine, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, TypeVar

from mcp_bridge import logs
from mcp_bridge.core.audience import Audience
from mcp_bridge.core.envelope import answered_id, decode_child
from mcp_bridge.core.errors import CONNECTION_LOST, RpcError
from mcp_bridge.core.lines import LineTooLongError
from mcp_bridge.core.link import Link, Listener
from mcp_bridge.failure import LastWords, StderrLog
from mcp_bridge.redaction import Redactor

from .child import Child

LOGGED_RUBBISH_LINES: Final = 10
_T = TypeVar("_T")


@dataclass(frozen=True, kw_only=True)
class ChildSettings:
    """How to run a child.

    Arguments:
        command: program and arguments.
        environment: all its variables, secrets included.
        start_seconds: within which it must have answered.
        max_message_bytes: bytes that one of its messages may have.
        ping_seconds: between two questions whether it is there still.
    """

    command: Sequence[str]
    environment: Mapping[str, str]
    start_seconds: float
    max_message_bytes: int
    ping_seconds: float


class ChildFailedError(Exception):
    """A child that did not come up, or ended. The message says why."""


class CommandError(ChildFailedError):
    """A command that can't be run at all."""


class RefusedError(ChildFailedError):
    """A child that did not want to be introduced."""


class EndedEarlyError(ChildFailedError):
    """A child that ended before it had introduced itself."""


class SilentError(ChildFailedError):
    """A child that read the first question, and said nothing."""


class Run:
    """A running child. `start` it, `greet` it, wait for `ended`, and `end` or `stop` it in any case.

    Arguments:
        settings: how to run it.
        listener: takes what it says unasked.
        audience: whom it serves.
        redactor: masks secret values in what is shown of it.
    """

    def __init__(self, settings: ChildSettings, listener: Listener, audience: Audience, redactor: Redactor) -> None:
        self._settings = settings
        self._words = LastWords(redactor)
        self._stderr_log = StderrLog(time.monotonic)
        self._spoke = False
        self._child = Child(
            on_line=self._heard,
            on_error_line=self._heard_error,
            max_line_bytes=settings.max_message_bytes,
        )
        self.link = Link(self._child, listener, time.monotonic, audience)

    @property
    def pid(self) -> int:
        """Its process id, which is its process group's too; 0 before the start."""
        return self._child.pid

    @property
    def silent(self) -> bool:
        """Whether it has read all that it was told, and sent no message."""
        return not self._spoke and self._child.has_read

    async def start(self) -> None:
        """Start the process. Raises CommandError where the command can't be run."""
        program = self._settings.command[0]
        try:
            await self._child.start(self._settings.command, self._settings.environment)
        except OSError as error:
            raise CommandError(f"{program} can't be run: {error.strerror or error}") from error
        logs.info("child_started", pid=self.pid, program=program)

    async def greet(self, words: Coroutine[Any, Any, _T]) -> _T:
        """Exchange the first words, and return what they give.

        Raises EndedEarlyError, RefusedError or ChildFailedError where they don't come to an end before the deadline,
        and SilentError where `words` do.
        """
        seconds = self._settings.start_seconds
        greeting = asyncio.create_task(words)
        try:
            async with asyncio.timeout(seconds):
                return await self.outlast(greeting)
        except TimeoutError as error:
            what = f"it gave no answer within {seconds:g} s"
            raise ChildFailedError(self._words.explain(what)) from error
        except RpcError as error:
            raise RefusedError(self._words.explain(error.message)) from error
        finally:
            greeting.cancel()
            with contextlib.suppress(asyncio.CancelledError, RpcError, SilentError):
                await greeting

    async def outlast(self, event: asyncio.Future[_T]) -> _T:
        """Wait for something that the child must live to see. Raises EndedEarlyError where it ends before."""
        waiting: set[asyncio.Future[Any]] = {event, self._child.ended}
        await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
        if self._child.ended.done():
            raise EndedEarlyError(self._words.explain(f"{self._child.ended.result()} before it answered"))
        return await event

    async def ended(self) -> str:
        """Wait until it ends by itself. Returns how, with its last words."""
        return self._words.explain(await asyncio.shield(self._child.ended))

    async def stop(self) -> None:
        """End the process group."""
        await asyncio.shield(self._child.stop())

    async def end(self, reason: str) -> None:
        """End the process group, and fail what is in flight with `reason`."""
        await self.stop()
        self.link.lost(reason)

    def _heard(self, line: bytes | LineTooLongError) -> None:
        if isinstance(line, LineTooLongError):
            self._heard_too_much(line)
            return
        message = decode_child(line)
        if message is not None:
            self._spoke = True
            try:
                self.link.heard(message)
            except Exception as error:  # noqa: BLE001 - one message must not cost the others that came with it
                logs.fault("message_of_child_failed", error, method=message.method)
            return
        self._words.add_rubbish(line)
        if self._words.rubbish_lines <= LOGGED_RUBBISH_LINES:
            logs.warning("child_rubbish", stream="child", line=line[:300].decode(errors="replace"))

    def _heard_too_much(self, line: LineTooLongError) -> None:
        """Fail the call whose answer was too long, if its id can be found at either end."""
        limit = self._settings.max_message_bytes
        if not line.told:
            logs.warning("child_message_too_long", limit_bytes=limit)
        number = answered_id(line.head, line.tail)
        if number:
            error = RpcError(CONNECTION_LOST, f"The server's answer exceeds {limit} bytes, the most there may be.")
            self.link.drop(number, error)

    def _heard_error(self, line: str) -> None:
        self._words.add_stderr(line)
        self._stderr_log.write(line)
