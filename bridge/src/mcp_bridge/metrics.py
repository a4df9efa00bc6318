"""What a replica tells Prometheus: its counts, and how it is at the moment.

Loaded when somebody asks, or while the server process starts: the client library takes a while.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import accumulate
from typing import Final

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily
from prometheus_client.exposition import generate_latest
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector

from .call_counts import BUCKETS, CallCounts
from .child_metrics import ChildMetrics

_BOUNDS: Final = (*(str(float(bound)) for bound in BUCKETS), "+Inf")


@dataclass(frozen=True, kw_only=True)
class Readings:
    """How a replica is at the moment.

    Arguments:
        healthy: whether the server is.
        sessions: open sessions.
        connections: open connections.
        in_flight: calls that wait for the server.
        queued: calls that wait for their turn.
        waiting_for_equal: requests that wait for the answer to an equal one.
        redis_up: whether the Redis that replicas share answers, None without one.
        tools_differing: tools that are not as they were reviewed, None where nobody reviewed them.
        breaker: 0 closed, 1 half open, 2 open.
        restarts: of the server process, since the start.
        spans_sent: since the start.
        spans_dropped: since the start.
        cpus: that the container uses, None where the kernel does not tell.
        memory_bytes: that the container uses, None where the kernel does not tell.
    """

    healthy: bool = False
    sessions: int = 0
    connections: int = 0
    in_flight: int = 0
    queued: int = 0
    waiting_for_equal: int = 0
    redis_up: bool | None = None
    tools_differing: int | None = None
    breaker: int = 0
    restarts: int = 0
    spans_sent: int = 0
    spans_dropped: int = 0
    cpus: float | None = None
    memory_bytes: int | None = None


class Metrics(Collector):
    """All metrics of one replica at one moment.

    Arguments:
        server: the server's name, which is a label of all of them.
        calls: what was counted.
        now: what was read.
        child: what the server process counts, None where it can't.
    """

    def __init__(self, server: str, calls: CallCounts, now: Readings, child: ChildMetrics | None) -> None:
        self._server = server
        self._calls = calls
        self._now = now
        self._child = child

    def render(self) -> bytes:
        """Return them in Prometheus' text format."""
        return generate_latest(self)

    def collect(self) -> Iterator[Metric]:
        """Return them by family: the bridge's own, and those of the server process under other names."""
        own = list(self._own())
        yield from own
        names = {family.name for family in own}
        if self._child is not None:
            yield from (family for family in self._child.families() if family.name not in names)

    def _own(self) -> Iterator[Metric]:
        yield from self._requests()
        yield from self._gauges()
        now = self._now
        hits = CounterMetricFamily("mcp_cache_hits", "Requests answered from the cache.", labels=("server", "method"))
        for method, number in self._calls.cache_hits.items():
            hits.add_metric((self._server, method), number)
        yield hits
        text = "HTTP requests refused before they were requests of MCP, by HTTP status."
        refusals = CounterMetricFamily("mcp_http_refusals", text, labels=("server", "status"))
        for status, number in self._calls.http_refusals.items():
            refusals.add_metric((self._server, str(status)), number)
        yield refusals
        restarts = CounterMetricFamily("mcp_child_restarts", "Restarts of the server process.", labels=("server",))
        restarts.add_metric((self._server,), now.restarts)
        yield restarts
        text = "Spans by what became of them: sent or dropped."
        spans = CounterMetricFamily("mcp_trace_spans", text, labels=("server", "outcome"))
        spans.add_metric((self._server, "sent"), now.spans_sent)
        spans.add_metric((self._server, "dropped"), now.spans_dropped)
        yield spans

    def _requests(self) -> Iterator[Metric]:
        text = "Requests for the server, answered by it, from the cache or not at all: ok, or the JSON-RPC error code."
        requests = CounterMetricFamily("mcp_requests", text, labels=("server", "method", "tool", "tier", "outcome"))
        for outcome, number in self._calls.outcomes.items():
            requests.add_metric((self._server, *outcome), number)
        yield requests
        text = "Time from a request's arrival at the bridge to its answer, without those that the bridge refused."
        durations = HistogramMetricFamily("mcp_request_duration_seconds", text, labels=("server", "method", "tier"))
        for labels, found in self._calls.durations.items():
            buckets = list(zip(_BOUNDS, accumulate(found.counts), strict=True))
            durations.add_metric((self._server, *labels), buckets=buckets, sum_value=found.seconds)
        yield durations

    def _gauges(self) -> Iterator[Metric]:
        now = self._now
        cpus = "CPUs that the container uses, bridge and server together, on average since the last time it was asked."
        found: tuple[tuple[str, float | None, str], ...] = (
            ("mcp_service_health", now.healthy, "1 when the server is healthy."),
            ("mcp_client_sessions_active", now.sessions, "Open sessions."),
            ("mcp_active_connections", now.connections, "Open connections."),
            (
                "mcp_circuit_breaker_state",
                now.breaker,
                "0 closed, 1 half open, 2 open: calls are refused after too many failures.",
            ),
            ("mcp_requests_in_flight", now.in_flight, "Calls that wait for the server."),
            ("mcp_queue_depth", now.queued, "Calls that wait because the server has as many as it may have."),
            ("mcp_cache_waiting", now.waiting_for_equal, "Requests that wait for the answer to an equal one."),
            ("mcp_cache_redis_up", now.redis_up, "1 while the Redis that replicas share answers."),
            (
                "mcp_tools_differing",
                now.tools_differing,
                "Tools that are new, missing or changed since they were reviewed, in this replica's life.",
            ),
            ("mcp_container_cpu_usage", now.cpus, cpus),
            (
                "mcp_container_memory_usage",
                now.memory_bytes,
                "Bytes that the container uses, without file cache that can be dropped.",
            ),
        )
        for name, value, text in found:
            family = GaugeMetricFamily(name, text, labels=("server",))
            if value is not None:
                family.add_metric((self._server,), value)
            yield family
