"""Prometheus metrics of one replica."""

from collections.abc import Iterator
from typing import Final, NamedTuple

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.exposition import generate_latest
from prometheus_client.registry import Collector

from .container import ControlGroup, CpuGauge
from .core.calls import Asked
from .core.errors import CONNECTION_LOST, HTTP_STATUS, INTERNAL_ERROR, REQUEST_CANCELLED

BUCKETS: Final = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60)
_METHODS: Final = frozenset(
    {
        "tools/call",
        "tools/list",
        "prompts/get",
        "prompts/list",
        "resources/read",
        "resources/list",
        "resources/templates/list",
        "completion/complete",
    }
)
_CODES: Final = frozenset({*HTTP_STATUS, INTERNAL_ERROR, CONNECTION_LOST, REQUEST_CANCELLED})
OTHER: Final = "other"
"""Label of every method and tool that the server does not declare, so that clients can't make series."""


class CallLabels(NamedTuple):
    """What metrics and log call a request: only names that the server declares, and tiers that the gateway vouches for.

    So clients can put nothing there.
    """

    method: str
    tool: str
    tier: str
    outcome: str

    @classmethod
    def of(cls, asked: Asked, code: int, tools: frozenset[str]) -> "CallLabels":
        """Return the labels of a request that ended with a JSON-RPC error code (0: result) at a server with `tools`."""
        method = asked.method if asked.method in _METHODS else OTHER
        tool = ""
        if method == "tools/call":
            tool = asked.name if asked.name in tools else OTHER
        outcome = "ok" if code == 0 else str(code) if code in _CODES else OTHER
        return cls(method, tool, asked.caller.access.tier, outcome)


class Metrics:
    """The replica's metrics, in a registry of their own."""

    def __init__(self, server: str) -> None:
        self.registry = CollectorRegistry()
        self._server = server
        registry = self.registry
        self._requests = Counter(
            "mcp_requests",
            "Requests for the server, answered by it, from the cache or not at all: ok, or the JSON-RPC error code.",
            ("server", "method", "tool", "tier", "outcome"),
            registry=registry,
        )
        self._duration = Histogram(
            "mcp_request_duration_seconds",
            "Time from a request's arrival at the bridge to its answer, without those that the bridge refused.",
            ("server", "method", "tier"),
            buckets=BUCKETS,
            registry=registry,
        )
        self.health = self._gauge("mcp_service_health", "1 when the server is healthy.")
        self.sessions = self._gauge("mcp_client_sessions_active", "Open sessions.")
        self.connections = self._gauge("mcp_active_connections", "Open connections.")
        self.breaker = self._gauge(
            "mcp_circuit_breaker_state", "0 closed, 1 half open, 2 open: calls are refused after too many failures."
        )
        self.in_flight = self._gauge("mcp_requests_in_flight", "Calls that wait for the server.")
        self.queue = self._gauge("mcp_queue_depth", "Calls that wait because the server has as many as it may have.")
        self.waiting_for_equal = self._gauge("mcp_cache_waiting", "Requests that wait for the answer to an equal one.")
        self._cache_hits = Counter(
            "mcp_cache_hits", "Requests answered from the cache.", ("server", "method"), registry=registry
        )
        self._cache_redis: Gauge | None = None
        restarts = Counter("mcp_child_restarts", "Restarts of the server process.", ("server",), registry=registry)
        self._restarts = restarts.labels(server)
        self._restarts_seen = 0
        self._outcomes: dict[CallLabels, Counter] = {}
        self._durations: dict[tuple[str, str], Histogram] = {}
        spans = Counter(
            "mcp_trace_spans",
            "Spans by what became of them: sent or dropped.",
            ("server", "outcome"),
            registry=registry,
        )
        self._spans = {outcome: spans.labels(server, outcome) for outcome in ("sent", "dropped")}
        self._spans_seen = {"sent": 0, "dropped": 0}
        registry.register(_Container(server, ControlGroup()))
        self.requests_total = 0
        self.errors_total = 0

    def _gauge(self, name: str, text: str) -> Gauge:
        return Gauge(name, text, ("server",), registry=self.registry).labels(self._server)

    def settled(self, labels: CallLabels, seconds: float) -> None:
        """Count a request that was answered by the server, or from the cache."""
        self._count(labels)
        served = labels.method, labels.tier
        duration = self._durations.get(served)
        if duration is None:
            duration = self._durations[served] = self._duration.labels(self._server, *served)
        duration.observe(seconds)

    def refused(self, labels: CallLabels) -> None:
        """Count a request that the bridge refused. How quickly it did says nothing about the server."""
        self._count(labels)

    def _count(self, labels: CallLabels) -> None:
        self.requests_total += 1
        if labels.outcome != "ok":
            self.errors_total += 1
        counter = self._outcomes.get(labels)
        if counter is None:
            counter = self._outcomes[labels] = self._requests.labels(self._server, *labels)
        counter.inc()

    def cache_hit(self, method: str) -> None:
        """Count a request that needed no child; `method` is one of those that are cached."""
        self._cache_hits.labels(self._server, method).inc()

    def cache_redis(self, *, up: bool) -> None:
        """Show whether the Redis of the cache answers. Without one there is no such metric."""
        if self._cache_redis is None:
            self._cache_redis = self._gauge("mcp_cache_redis_up", "1 while the Redis that replicas share answers.")
        self._cache_redis.set(up)

    def count_restarts(self, restarts: int) -> None:
        """Take the number of restarts since the bridge started."""
        self._restarts.inc(restarts - self._restarts_seen)
        self._restarts_seen = restarts

    def count_spans(self, sent: int, dropped: int) -> None:
        """Take the numbers of spans since the bridge started."""
        for outcome, number in (("sent", sent), ("dropped", dropped)):
            self._spans[outcome].inc(number - self._spans_seen[outcome])
            self._spans_seen[outcome] = number

    def render(self) -> bytes:
        """Return all metrics in Prometheus' text format."""
        return generate_latest(self.registry)


class _Container(Collector):
    """CPU and memory of the container, read when Prometheus asks; without samples where the kernel does not tell."""

    def __init__(self, server: str, group: ControlGroup) -> None:
        self._server = server
        self._group = group
        self._cpu = CpuGauge(group.cpu_seconds)

    def collect(self) -> Iterator[GaugeMetricFamily]:
        """Return both gauges."""
        cpu = "CPUs that the container uses, bridge and server together, on average since the last time it was asked."
        yield self._gauge("mcp_container_cpu_usage", cpu, self._cpu.read())
        memory = "Bytes that the container uses, without file cache that can be dropped."
        yield self._gauge("mcp_container_memory_usage", memory, self._group.memory_bytes())

    def _gauge(self, name: str, text: str, value: float | None) -> GaugeMetricFamily:
        family = GaugeMetricFamily(name, text, labels=("server",))
        if value is not None:
            family.add_metric((self._server,), value)
        return family
