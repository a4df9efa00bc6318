"""/health, /ready and /metrics: what a replica tells of itself."""

from collections.abc import Callable
from importlib import import_module
from typing import TYPE_CHECKING, Final

import msgspec

from .call_counts import CallCounts
from .child_metrics import ChildMetrics
from .health import Health
from .http import answer
from .http.reply import Reply

if TYPE_CHECKING:
    from .metrics import Readings

_METRICS: Final = answer.TEXT.replace(b"plain;", b"plain; version=0.0.4;")


class Pages:
    """Serves them.

    Arguments:
        server: the server's name.
        health: judges the replica.
        counts: what was counted.
        readings: returns how the replica is at the moment.
        child: what the server process counts, None where it can't.
    """

    def __init__(
        self,
        server: str,
        health: Health,
        counts: CallCounts,
        readings: Callable[[], "Readings"],
        child: ChildMetrics | None,
    ) -> None:
        self._server = server
        self._health = health
        self._counts = counts
        self._readings = readings
        self._child = child

    def load(self) -> None:
        """Load what renders metrics, which takes a while, and not only when Prometheus asks first."""
        import_module("mcp_bridge.metrics")

    def serve(self, reply: Reply) -> None:
        """Serve one request."""
        head = reply.request.head
        if head.method not in (b"GET", b"HEAD"):
            reply.complete(405, answer.TEXT + b"allow: GET, HEAD\r\n", b"Method not allowed.\n")
        elif head.path == b"/health":
            status, body = self._health.report()
            reply.complete(status, answer.JSON, msgspec.json.encode(body))
        elif head.path == b"/ready":
            ready = self._health.ready
            reply.complete(200 if ready else 503, answer.TEXT, b"ready\n" if ready else b"not ready\n")
        elif head.path == b"/metrics":
            reply.complete(200, _METRICS, self._metrics())
        else:
            reply.complete(404, answer.TEXT, b"There are /mcp, /health, /ready and /metrics.\n")

    def _metrics(self) -> bytes:
        from .metrics import Metrics

        return Metrics(self._server, self._counts, self._readings(), self._child).render()
