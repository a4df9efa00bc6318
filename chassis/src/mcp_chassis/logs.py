"""JSON log lines on stderr: stdout is MCP's. Every line of one call has its correlation id."""

import logging
import sys
from typing import Any, TextIO

import structlog
from mcp.server.context import CallNext, HandlerResult, ServerRequestContext
from opentelemetry import trace
from structlog.types import EventDict, Processor, WrappedLogger

from .settings import LogLevel


def configure(level: LogLevel, server: str, stream: TextIO | None = None) -> None:
    """Send all logs, those of libraries too, to `stream` (stderr) as JSON, from `level` up."""

    def named(_: WrappedLogger, __: str, line: EventDict) -> EventDict:
        return {"server": server, **line}

    shared: list[Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.stdlib.PositionalArgumentsFormatter(),
        structlog.processors.TimeStamper(fmt="iso", utc=True, key="time"),
        structlog.processors.format_exc_info,
        named,
    ]
    structlog.configure(
        processors=[
            structlog.stdlib.filter_by_level,
            *shared,
            structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
        ],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=False,
    )
    handler = logging.StreamHandler(stream or sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                structlog.processors.JSONRenderer(ensure_ascii=False),
            ],
        )
    )
    logging.basicConfig(level=level.upper(), handlers=[handler], force=True)
    # A line for each request that is sent would tell nothing that the metrics don't.
    logging.getLogger("httpx2").setLevel(logging.WARNING)


def set_level(level: LogLevel) -> None:
    """Log from another level up."""
    logging.getLogger().setLevel(level.upper())


async def correlate(ctx: ServerRequestContext[Any, Any], call_next: CallNext) -> HandlerResult:
    """Give the lines of one call what finds them among all: the caller's trace id, or else the request's own id.

    The bridge puts its `traceparent` into every request, and the trace id into its own line of the call.
    """
    span = trace.get_current_span().get_span_context()
    correlation = trace.format_trace_id(span.trace_id) if span.is_valid else f"request-{ctx.request_id}"
    with structlog.contextvars.bound_contextvars(correlation_id=correlation, method=ctx.method):
        return await call_next(ctx)
