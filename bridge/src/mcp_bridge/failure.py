"""Why a child does not serve, in one line that somebody can act on."""

from collections import deque
from collections.abc import Callable
from typing import Final

from . import logs
from .redaction import Redactor

KEPT_LINES: Final = 20
SHOWN_LINES: Final = 5
LINE_CHARACTERS: Final = 300
LOGGED_LINES_A_SECOND: Final = 200


class LastWords:
    """The last lines that a child wrote: on stderr, and on stdout where they were no messages. Secrets are masked."""

    def __init__(self, redactor: Redactor) -> None:
        self._redactor = redactor
        self.stderr: deque[str] = deque(maxlen=KEPT_LINES)
        self.rubbish: deque[str] = deque(maxlen=KEPT_LINES)
        self.rubbish_lines = 0

    def add_stderr(self, line: str) -> None:
        """Keep a line of stderr."""
        self.stderr.append(self._redactor.clean(line)[:LINE_CHARACTERS])

    def add_rubbish(self, line: bytes) -> None:
        """Keep a line of stdout that was no JSON-RPC message."""
        self.rubbish_lines += 1
        self.rubbish.append(self._redactor.clean(line.decode(errors="replace"))[:LINE_CHARACTERS])

    def explain(self, what: str) -> str:
        """Return `what` with the lines that say why."""
        parts = [what]
        if self.rubbish_lines:
            shown = " | ".join(list(self.rubbish)[:SHOWN_LINES])
            parts.append(f"stdout carried {self.rubbish_lines} line(s) that are no JSON-RPC message: {shown}")
        if self.stderr:
            parts.append("last stderr lines: " + " | ".join(list(self.stderr)[-SHOWN_LINES:]))
        elif not self.rubbish_lines:
            parts.append("it wrote nothing to stderr")
        return "; ".join(parts)


class StderrLog:
    """Passes a child's stderr on to the log, so many lines a second and no more: a flood must not cost the service."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._second = 0.0
        self._written = 0
        self._dropped = 0

    def write(self, line: str) -> None:
        """Log a line, or count it as dropped."""
        now = self._clock()
        if now - self._second >= 1:
            if self._dropped:
                logs.warning("child_stderr_dropped", stream="child", lines=self._dropped)
            self._second, self._written, self._dropped = now, 0, 0
        if self._written >= LOGGED_LINES_A_SECOND:
            self._dropped += 1
            return
        self._written += 1
        logs.info("child_stderr", stream="child", line=line)
