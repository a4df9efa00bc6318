"""What a server counts of itself. Requests of MCP are not among it: the bridge counts those.

Under the bridge, prometheus_client writes all metrics of the process, these and any of the server's own, into files
(PROMETHEUS_MULTIPROC_DIR), and the bridge serves them with its own at /metrics.
Source: https://prometheus.github.io/client_python/multiprocess/
"""

from typing import Final

from prometheus_client import Counter, Gauge, Histogram

UPSTREAM_REQUESTS: Final = Counter(
    "mcp_upstream_requests", "Requests to other services by what became of them.", ("upstream", "outcome")
)
UPSTREAM_SECONDS: Final = Histogram(
    "mcp_upstream_request_duration_seconds", "Time of one request to another service.", ("upstream",)
)
UPSTREAM_CIRCUIT: Final = Gauge(
    "mcp_upstream_circuit_state",
    "0 closed, 1 half open, 2 open: requests fail at once after too many failures.",
    ("upstream",),
    multiprocess_mode="mostrecent",
)
COMPONENT_HEALTH: Final = Gauge(
    "mcp_component_health",
    "1 when a part of the server is healthy, 0.5 when degraded, 0 when it is not.",
    ("component",),
    multiprocess_mode="mostrecent",
)
LOCAL_CACHE: Final = Counter(
    "mcp_local_cache_lookups", "Lookups in the server's own caches: hit or miss.", ("cache", "outcome")
)
BATCH_ITEMS: Final = Histogram(
    "mcp_batch_items", "Items that were worked on together.", ("batch",), buckets=(1, 2, 5, 10, 20, 50, 100, 200)
)
