"""Requests by outcome, and how long they took, as Prometheus reads them.

Counted here and not by the client library's own counters, which take a lock and several calls for each: what every
request passes must cost next to nothing, and the loop's thread alone counts and is asked.
"""

from bisect import bisect_left
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import accumulate
from typing import Final, NamedTuple

from prometheus_client.core import CounterMetricFamily, HistogramMetricFamily
from prometheus_client.registry import Collector

from .core.calls import Asked
from .core.errors import CONNECTION_LOST, HTTP_STATUS, INTERNAL_ERROR, REQUEST_CANCELLED

BUCKETS: Final = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60)
_BOUNDS: Final = (*(str(float(bound)) for bound in BUCKETS), "+Inf")

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
SUCCESS: Final = "ok"
REMEMBERED: Final = 1000
"""Kinds of requests whose labels are made once for all of a kind."""


class CallLabels(NamedTuple):
    """What metrics and log call a request: only names that the server declares, and tiers that the gateway vouches for.

    So clients can put nothing there.
    """

    method: str
    tool: str
    tier: str
    outcome: str


@dataclass(slots=True)
class _Durations:
    seconds: float = 0.0
    counts: list[int] = field(default_factory=lambda: [0] * len(_BOUNDS))


class CallSeries(Collector):
    """The counts.

    Arguments:
        server: the server's name, which is a label of all of them.
    """

    def __init__(self, server: str) -> None:
        self._server = server
        self._outcomes: Counter[CallLabels] = Counter()
        self._durations: dict[tuple[str, str], _Durations] = {}
        self._labels: dict[tuple[str, str, str, int], CallLabels] = {}
        self._tools: frozenset[str] = frozenset()

    def refused(self, labels: CallLabels) -> None:
        """Count a request that the bridge refused. How quickly it did says nothing about the server."""
        self._outcomes[labels] += 1

    def settled(self, labels: CallLabels, seconds: float) -> None:
        """Count a request that was answered by the server, or from the cache."""
        self._outcomes[labels] += 1
        served = labels.method, labels.tier
        found = self._durations.get(served)
        if found is None:
            found = self._durations[served] = _Durations()
        found.seconds += seconds
        found.counts[bisect_left(BUCKETS, seconds)] += 1

    @property
    def requests(self) -> int:
        """All requests until now."""
        return self._outcomes.total()

    @property
    def errors(self) -> int:
        """Those of them that failed."""
        return sum(number for labels, number in self._outcomes.items() if labels.outcome != SUCCESS)

    def labels(self, asked: Asked, code: int, tools: frozenset[str]) -> CallLabels:
        """Return the labels of a request that ended with a JSON-RPC error code (0: result) at a server with `tools`."""
        if tools is not self._tools or len(self._labels) > REMEMBERED:
            self._tools = tools
            self._labels.clear()
        key = asked.method, asked.name, asked.caller.access.tier, code
        found = self._labels.get(key)
        if found is None:
            found = self._labels[key] = _labels(*key, tools)
        return found

    def collect(self) -> Iterator[CounterMetricFamily | HistogramMetricFamily]:
        """Return both families."""
        text = "Requests for the server, answered by it, from the cache or not at all: ok, or the JSON-RPC error code."
        requests = CounterMetricFamily("mcp_requests", text, labels=("server", "method", "tool", "tier", "outcome"))
        for outcome_labels, number in self._outcomes.items():
            requests.add_metric((self._server, *outcome_labels), number)
        yield requests
        text = "Time from a request's arrival at the bridge to its answer, without those that the bridge refused."
        durations = HistogramMetricFamily("mcp_request_duration_seconds", text, labels=("server", "method", "tier"))
        for labels, found in self._durations.items():
            buckets = list(zip(_BOUNDS, accumulate(found.counts), strict=True))
            durations.add_metric((self._server, *labels), buckets=buckets, sum_value=found.seconds)
        yield durations


def _labels(method: str, name: str, tier: str, code: int, tools: frozenset[str]) -> CallLabels:
    known = method if method in _METHODS else OTHER
    tool = ""
    if method == "tools/call":
        tool = name if name in tools else OTHER
    return CallLabels(known, tool, tier, SUCCESS if code == 0 else str(code) if code in _CODES else OTHER)
