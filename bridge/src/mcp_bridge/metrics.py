"""Prometheus metrics of one replica."""

from collections.abc import Iterator

from prometheus_client import CollectorRegistry, Counter, Gauge
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.exposition import generate_latest
from prometheus_client.registry import Collector

from .call_series import CallSeries
from .container import ControlGroup, CpuGauge


class Metrics:
    """The replica's metrics, in a registry of their own."""

    def __init__(self, server: str) -> None:
        self.registry = CollectorRegistry()
        self._server = server
        registry = self.registry
        self.calls = CallSeries(server)
        registry.register(self.calls)
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
        spans = Counter(
            "mcp_trace_spans",
            "Spans by what became of them: sent or dropped.",
            ("server", "outcome"),
            registry=registry,
        )
        self._spans = {outcome: spans.labels(server, outcome) for outcome in ("sent", "dropped")}
        self._spans_seen = {"sent": 0, "dropped": 0}
        registry.register(_Container(server, ControlGroup()))

    def _gauge(self, name: str, text: str) -> Gauge:
        return Gauge(name, text, ("server",), registry=self.registry).labels(self._server)

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
