"""One run of a stdio server: a process group of its own, lines in, lines out, and nothing left when it ends."""

import asyncio
import contextlib
import fcntl
import os
import signal
import struct
import termios
from collections.abc import Callable, Mapping, Sequence
from typing import Final, cast

from mcp_bridge.core.lines import LineBuffer, LineTooLongError

TERM_SECONDS: Final = 2.0
"""Between TERM and KILL."""

LINGER_SECONDS: Final = 1.0
"""How long the pipes of a child that has exited, or the exit of one that closed stdout, are waited for."""

MAX_STDERR_LINE_BYTES: Final = 8 * 1024
MAX_UNREAD_BYTES: Final = 8 * 1024 * 1024
"""What may wait in the pipe for a child that does not read, before further calls are refused."""

_COUNT: Final = struct.Struct("i")


class Child(asyncio.SubprocessProtocol):
    """A running command.

    Arguments:
        on_line: takes each line of stdout, or the news that one was too long.
        on_error_line: takes each line of stderr.
        max_line_bytes: bytes that a line of stdout may have.
    """

    def __init__(
        self,
        *,
        on_line: Callable[[bytes | LineTooLongError], None],
        on_error_line: Callable[[str], None],
        max_line_bytes: int,
    ) -> None:
        self._on_line = on_line
        self._on_error_line = on_error_line
        self._stdout = LineBuffer(max_line_bytes)
        self._stderr = LineBuffer(MAX_STDERR_LINE_BYTES)
        self._transport: asyncio.SubprocessTransport | None = None
        self._stdin: asyncio.WriteTransport | None = None
        self._unsent: list[bytes] = []
        self._loop = asyncio.get_running_loop()
        self.pid = 0
        self.ended: asyncio.Future[str] = self._loop.create_future()
        self._reaped = asyncio.Event()

    async def start(self, command: Sequence[str], environment: Mapping[str, str]) -> None:
        """Start the command. Raises OSError where it can't be started."""
        transport, _ = await self._loop.subprocess_exec(
            lambda: self, *command, env=dict(environment), start_new_session=True
        )
        self._transport = transport
        self.pid = transport.get_pid()
        # uvloop's transports have the interface, but are no subclasses of asyncio's.
        self._stdin = cast("asyncio.WriteTransport", transport.get_pipe_transport(0))

    # asyncio.SubprocessProtocol

    def pipe_data_received(self, fd: int, data: bytes) -> None:
        if fd == 1:
            for line in self._stdout.feed(data):
                self._on_line(line)
            return
        for error_line in self._stderr.feed(data):
            if not isinstance(error_line, LineTooLongError):
                self._on_error_line(error_line.decode(errors="replace"))
            elif not error_line.told:
                self._on_error_line(error_line.head.decode(errors="replace"))

    def pipe_connection_lost(self, fd: int, exc: Exception | None) -> None:
        if fd == 1 and not self._reaped.is_set():
            self._loop.call_later(LINGER_SECONDS, self._end, "it closed its stdout")
        elif fd == 2 and (rest := self._stderr.rest()):
            self._on_error_line(rest.decode(errors="replace"))

    def process_exited(self) -> None:
        self._reaped.set()
        # What is left of the group holds the pipes open; when they close, connection_lost follows, so that the child's
        # last words come before the news of its end.
        self._signal(signal.SIGKILL)
        self._loop.call_later(LINGER_SECONDS, self._end, self._exit_text())

    def connection_lost(self, exc: Exception | None) -> None:
        self._end(self._exit_text())

    def _exit_text(self) -> str:
        code = self._transport.get_returncode() if self._transport is not None else None
        if code is None:
            return "it ended"
        if code >= 0:
            return f"it exited with status {code}"
        with contextlib.suppress(ValueError):
            return f"it was killed by {signal.Signals(-code).name}"
        return f"it was killed by signal {-code}"

    def _end(self, reason: str) -> None:
        if not self.ended.done():
            self.ended.set_result(reason)

    # Messages to the child

    def write(self, message: bytes) -> None:
        """Send one message; all messages of one turn of the loop go in one write."""
        if not self._unsent:
            self._loop.call_soon(self._flush)
        self._unsent.append(message)

    def _flush(self) -> None:
        self._unsent.append(b"")
        data = b"\n".join(self._unsent)
        self._unsent.clear()
        if self._stdin is not None and not self._stdin.is_closing():
            self._stdin.write(data)

    @property
    def congested(self) -> bool:
        """Whether the child is so far behind with reading that nothing should be added."""
        return self._stdin is not None and self._stdin.get_write_buffer_size() > MAX_UNREAD_BYTES

    @property
    def has_read(self) -> bool:
        """Whether the child has taken all that was sent to it; also where the system can't tell.

        Linux's SIOCOUTQ, which has TIOCOUTQ's number: https://man7.org/linux/man-pages/man7/unix.7.html.
        """
        if self._stdin is None or self._unsent or self._stdin.get_write_buffer_size():
            return False
        end = self._stdin.get_extra_info("socket")
        try:
            waiting = fcntl.ioctl(end.fileno(), termios.TIOCOUTQ, bytes(_COUNT.size))
        except (OSError, AttributeError):  # not Linux, or another event loop's pipe
            return True
        return bool(_COUNT.unpack(waiting)[0] == 0)

    async def stop(self) -> None:
        """End the whole process group: TERM, and KILL for what is left after a moment."""
        if self._transport is None:
            return
        if self._stdin is not None:
            self._stdin.close()
        self._signal(signal.SIGTERM)
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._reaped.wait(), TERM_SECONDS)
        # Also when the leader has left: others of its group may have stayed.
        self._signal(signal.SIGKILL)
        await self._reaped.wait()
        self._transport.close()
        self._end("it was stopped")
        # Without these, its memory is free at once, and not only when the garbage collector finds the circle.
        self._transport = self._stdin = None
        self._on_line = self._on_error_line = _ignore

    def _signal(self, number: signal.Signals) -> None:
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self.pid, number)


def _ignore(_: object) -> None:
    """Drop what comes after the end."""
