"""What is recorded of each request: counts, a line in the log, a span."""

import time
from collections.abc import Callable
from typing import TYPE_CHECKING

from . import logs
from .call_counts import CallCounts
from .call_log import CallLog
from .core.calls import ClientCall
from .core.spans import Spans
from .health import BRIDGE_VERSION
from .pending import Request
from .settings import Settings

if TYPE_CHECKING:
    from .tracing import Tracing


class Records:
    """The records of one replica.

    Arguments:
        settings: the command line.
        spans: begins spans.
        tools: returns the names of the server's tools.
    """

    def __init__(self, settings: Settings, spans: Spans, tools: Callable[[], frozenset[str]]) -> None:
        self._spans = spans
        self._tools = tools
        self.counts = CallCounts()
        self._log = CallLog(settings.name, logs.write_lines)
        self.tracing = _tracing(settings)

    def start(self) -> None:
        """Begin to send spans."""
        if self.tracing is not None:
            self.tracing.start()

    async def stop(self) -> None:
        """Send and write what is left."""
        if self.tracing is not None:
            await self.tracing.stop()
        self._log.flush()

    def next_second(self) -> None:
        """Let further lines into the log. To be called every second."""
        self._log.next_second()

    def settled(self, call: ClientCall, code: int) -> None:
        """Record a call that has ended with a JSON-RPC error code (0: result)."""
        seconds = time.monotonic() - call.started
        labels = self.counts.labels(call, code, self._tools())
        self.counts.settled(labels, seconds)
        self._log.settled(call, labels, seconds)
        if self.tracing is not None and call.span is not None:
            self.tracing.settled(call.span, call, call.client_id, labels, seconds)

    def ended(self, request: Request, code: int) -> None:
        """Record a request that needed no call (code 0), or was refused."""
        seconds = time.monotonic() - request.arrived
        labels = self.counts.labels(request, code, self._tools())
        if code == 0:
            self.counts.settled(labels, seconds)
        else:
            self.counts.refused(labels)
        if self.tracing is not None:
            span, request.trace = self._spans.begin(request.trace, bytes(request.message.params))
            if span is not None:
                self.tracing.settled(span, request, bytes(request.message.id), labels, seconds, cached=code == 0)
        self._log.settled(request, labels, seconds, cached=code == 0)


def _tracing(settings: Settings) -> "Tracing | None":
    if settings.otlp_endpoint is None:
        return None
    # Only where it is asked for: the client and the messages take memory.
    from .tracing import Tracing

    resource = {
        "service.name": settings.name,
        "service.namespace": "mcp",
        "service.instance.id": f"{settings.slot}-{settings.task}",
    }
    return Tracing(settings.otlp_endpoint, resource, BRIDGE_VERSION)
