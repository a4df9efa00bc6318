"""JSON log lines on stdout, secret values masked."""

import asyncio
import json
import logging
import sys
import traceback
from collections.abc import Mapping
from datetime import UTC, datetime
from types import TracebackType
from typing import Any, Final, TextIO

from .redaction import Redactor

ExceptionInfo = tuple[type[BaseException], BaseException, TracebackType | None] | tuple[None, None, None]
MAX_CAUSES: Final = 5
LOGGER: Final = logging.getLogger("mcp_bridge")


class JsonFormatter(logging.Formatter):
    """One JSON object a line: time, level, event, and what the event carries."""

    def __init__(self, server: str, redactor: Redactor) -> None:
        super().__init__()
        self._server = server
        self._redactor = redactor

    def format(self, record: logging.LogRecord) -> str:
        line: dict[str, Any] = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "server": self._server,
            "event": record.getMessage(),
        }
        line.update(record.__dict__.get("fields", {}))
        if record.exc_info:
            line["traceback"] = self.formatException(record.exc_info)
        return json.dumps({key: self._clean(value) for key, value in line.items()}, ensure_ascii=False)

    def formatException(self, ei: ExceptionInfo) -> str:  # noqa: N802 - logging's name
        """Return where a fault and what caused it were, and their types. Their texts may quote what a client sent."""
        parts: list[str] = []
        error = ei[1]
        while error is not None and len(parts) < MAX_CAUSES:
            kind = type(error)
            parts.append("".join((*traceback.format_tb(error.__traceback__), f"{kind.__module__}.{kind.__qualname__}")))
            error = error.__cause__ or (None if error.__suppress_context__ else error.__context__)
        return "\ncaused by:\n".join(parts)

    def _clean(self, value: object) -> object:
        if isinstance(value, str):
            return self._redactor.clean(value)
        if isinstance(value, int | float | bool) or value is None:
            return value
        return self._redactor.clean(str(value))


def configure(level: str, server: str, redactor: Redactor, stream: TextIO | None = None) -> None:
    """Send all logs to `stream` (stdout) as JSON, from `level` up."""
    handler = logging.StreamHandler(stream or sys.stdout)
    handler.setFormatter(JsonFormatter(server, redactor))
    logging.basicConfig(level=level.upper(), handlers=[handler], force=True)
    # Its lines per request would be one per heartbeat.
    logging.getLogger("httpx2").setLevel(logging.WARNING)


def set_level(level: str) -> None:
    """Log from another level up."""
    logging.getLogger().setLevel(level.upper())


def write_lines(lines: bytes) -> None:
    """Write ready lines, each with its line end, beside what is logged."""
    output = sys.stdout.buffer
    output.write(lines)
    output.flush()


def log(level: int, event: str, **fields: object) -> None:
    """Write one line: what happened, and with what."""
    if LOGGER.isEnabledFor(level):
        LOGGER.log(level, "%s", event, extra={"fields": fields})


def info(event: str, **fields: object) -> None:
    """Write a line of level info."""
    log(logging.INFO, event, **fields)


def warning(event: str, **fields: object) -> None:
    """Write a line of level warning."""
    log(logging.WARNING, event, **fields)


def error(event: str, **fields: object) -> None:
    """Write a line of level error."""
    log(logging.ERROR, event, **fields)


def fault(event: str, exception: Exception, **fields: object) -> None:
    """Write a fault of the bridge's own, with its traceback."""
    LOGGER.error("%s", event, exc_info=exception, extra={"fields": fields})


def fault_in_the_loop(_: asyncio.AbstractEventLoop, context: Mapping[str, Any]) -> None:
    """Write a fault that nobody took, as the loop's exception handler. Its own message quotes arguments."""
    error = context.get("exception")
    if isinstance(error, Exception):
        fault("fault_in_the_loop", error)
    else:
        log(logging.ERROR, "fault_in_the_loop", reason=context["message"])
