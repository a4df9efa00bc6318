"""One JSON line for each request for the server, answered by it or not, with neither arguments nor results.

These lines don't go through `logging`, slower for a line than the bridge for a call. At level `info` so many
are written a second and no more: the disk and whoever reads the log must not be what a busy server waits for, and the
metrics count every call. At `debug` every call has its line, at `warning` none.
"""

import asyncio
import logging
import time
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Final

import msgspec

from . import logs
from .call_counts import CallLabels
from .core.calls import Asked

LINES_A_SECOND: Final = 100
"""Of calls that succeeded, and as many again of calls that failed: neither hides the other."""


class _Line(msgspec.Struct, omit_defaults=True, gc=False):
    time: str
    level: str
    server: str
    event: str
    request_id: str
    client: str
    method: str
    tool: str
    tier: str
    duration_ms: float
    outcome: str
    trace_id: str = ""
    cached: bool = False


class CallLog:
    """Writes the lines.

    Arguments:
        server: the server's name.
        write: takes bytes of whole lines, those of one turn of the loop together.
    """

    def __init__(self, server: str, write: Callable[[bytes], None]) -> None:
        self._server = server
        self._write = write
        self._loop = asyncio.get_running_loop()
        self._encode = msgspec.json.Encoder().encode
        self._lines: list[bytes] = []
        self._second = 0
        self._second_text = ""
        self._left = [LINES_A_SECOND, LINES_A_SECOND]
        self._omitted = 0
        self._level = logs.LOGGER.getEffectiveLevel()

    def settled(self, asked: Asked, labels: CallLabels, seconds: float, *, cached: bool = False) -> None:
        """Write the line of a request that has ended; `cached`: without the server."""
        if self._level > logging.INFO:
            return
        failed = labels.outcome != "ok"
        if not self._left[failed]:
            if self._level > logging.DEBUG:
                self._omitted += 1
                return
        else:
            self._left[failed] -= 1
        line = _Line(
            self._now(),
            "info",
            self._server,
            "call",
            asked.exchange.origin.request_id,
            asked.caller.client,
            labels.method,
            labels.tool,
            labels.tier,
            round(seconds * 1000, 3),
            labels.outcome,
            "" if asked.trace is None else asked.trace.trace_id,
            cached,
        )
        if not self._lines:
            self._loop.call_soon(self.flush)
        self._lines.append(self._encode(line))

    def next_second(self) -> None:
        """Let further lines through, and say how many were left out. To be called every second."""
        self._left = [LINES_A_SECOND, LINES_A_SECOND]
        self._level = logs.LOGGER.getEffectiveLevel()
        if self._omitted:
            logs.info("calls_not_logged", calls=self._omitted)
            self._omitted = 0

    def flush(self) -> None:
        """Write what has gathered."""
        if self._lines:
            self._lines.append(b"")
            data = b"\n".join(self._lines)
            self._lines.clear()
            self._write(data)

    def _now(self) -> str:
        now = time.time()
        second = int(now)
        if second != self._second:
            self._second = second
            self._second_text = datetime.fromtimestamp(second, UTC).strftime("%Y-%m-%dT%H:%M:%S")
        return f"{self._second_text}.{int((now - second) * 1000):03d}+00:00"
