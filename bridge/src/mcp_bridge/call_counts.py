"""Requests by outcome, and how long they took.

Counted here and not by the client library's own counters, which take a lock and several calls for each: what every
request passes must cost next to nothing, and the loop's thread alone counts and is asked.
"""

from bisect import bisect_left
from collections import Counter
from dataclasses import dataclass, field
from typing import Final, NamedTuple

from .core.calls import Asked
from .core.errors import CONNECTION_LOST, HTTP_STATUS, INTERNAL_ERROR, REQUEST_CANCELLED

BUCKETS: Final = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60)
"""Upper bounds of the durations that are told apart, in seconds."""

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
class Durations:
    """How long requests took: seconds in all, and how many took up to each of BUCKETS and no shorter one, or longer."""

    seconds: float = 0.0
    counts: list[int] = field(default_factory=lambda: [0] * (len(BUCKETS) + 1))


class CallCounts:
    """The counts: `outcomes`, `durations` by method and tier, `cache_hits` by method, `http_refusals` by status."""

    def __init__(self) -> None:
        self.outcomes: Counter[CallLabels] = Counter()
        self.durations: dict[tuple[str, str], Durations] = {}
        self.cache_hits: Counter[str] = Counter()
        self.http_refusals: Counter[int] = Counter()
        self._labels: dict[tuple[str, str, str, int], CallLabels] = {}
        self._tools: frozenset[str] = frozenset()

    def refused(self, labels: CallLabels) -> None:
        """Count a request that the bridge refused. How quickly it did says nothing about the server."""
        self.outcomes[labels] += 1

    def settled(self, labels: CallLabels, seconds: float) -> None:
        """Count a request that was answered by the server, or from the cache."""
        self.outcomes[labels] += 1
        served = labels.method, labels.tier
        found = self.durations.get(served)
        if found is None:
            found = self.durations[served] = Durations()
        found.seconds += seconds
        found.counts[bisect_left(BUCKETS, seconds)] += 1

    def cache_hit(self, method: str) -> None:
        """Count a request that needed no child; `method` is one of those that are cached."""
        self.cache_hits[method] += 1

    def http_refused(self, status: int) -> None:
        """Count an HTTP request that was refused before it was one of MCP; `status` is one of the bridge's own."""
        self.http_refusals[status] += 1

    @property
    def requests(self) -> int:
        """All requests until now."""
        return self.outcomes.total()

    @property
    def errors(self) -> int:
        """Those of them that failed."""
        return sum(number for labels, number in self.outcomes.items() if labels.outcome != SUCCESS)

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


def _labels(method: str, name: str, tier: str, code: int, tools: frozenset[str]) -> CallLabels:
    known = method if method in _METHODS else OTHER
    tool = ""
    if method == "tools/call":
        tool = name if name in tools else OTHER
    return CallLabels(known, tool, tier, SUCCESS if code == 0 else str(code) if code in _CODES else OTHER)
