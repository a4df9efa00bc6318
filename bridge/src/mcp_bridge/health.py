"""/health and /ready, computed from what is known; a probe causes no call."""

import time
from collections.abc import Callable
from importlib.metadata import version
from typing import Any, Final

from .caching import Caching
from .call_counts import CallCounts
from .core.reviewed_tools import ReviewedTools
from .processes import Processes, Status
from .registrar import Registrar

FIRST_REGISTRATION_SECONDS: Final = 15.0
"""How long health waits for the first registration: a deploy that ends earlier would announce a server nobody finds."""

BRIDGE_VERSION: Final = version("mcp-bridge")


class Health:
    """Judges the replica.

    Arguments:
        processes: the children.
        registrar: the entry in Consul, None without Consul.
        caching: what is kept of results, None where nothing is.
        calls: where the figures come from.
        sessions: returns the number of open sessions.
        reviewed: whether the server's tools are those that were reviewed.
    """

    def __init__(
        self,
        server: str,
        processes: Processes,
        registrar: Registrar | None,
        caching: Caching | None,
        calls: CallCounts,
        sessions: Callable[[], int],
        reviewed: ReviewedTools,
    ) -> None:
        self._server = server
        self._processes = processes
        self._registrar = registrar
        self._caching = caching
        self._calls = calls
        self._sessions = sessions
        self._reviewed = reviewed
        self._started = time.monotonic()
        self.draining = False

    def problem(self, status: Status) -> str | None:
        """Return why the replica is not healthy, None when it is."""
        if status.reason is not None or status.ready_at is None:
            return f"The server process does not serve: {status.reason}"
        if status.hanging:
            return "The server process has not answered its last pings."
        if status.survey.empty:
            return "The server offers no tools, no prompts and no resources."
        if self._reviewed.quarantined:
            return f"The server is in quarantine: {self._reviewed.reason}."
        registrar = self._registrar
        waited = time.monotonic() - status.ready_at
        if registrar is not None and not registrar.registered_once and waited < FIRST_REGISTRATION_SECONDS:
            return f"Not registered in Consul yet: {registrar.problem}"
        return None

    @property
    def ready(self) -> bool:
        """Whether calls should be sent here."""
        return not self.draining and not self._reviewed.quarantined and self._processes.status().reason is None

    def report(self) -> tuple[int, dict[str, Any]]:
        """Return the status code and the body of /health."""
        status = self._processes.status()
        problem = self.problem(status)
        state = "draining" if self.draining else "healthy" if problem is None else "unhealthy"
        profile = status.profile
        body: dict[str, Any] = {
            "status": state,
            "server": self._server,
            "version": profile.version if profile is not None else None,
            "bridge": BRIDGE_VERSION,
            "uptime": round(time.monotonic() - self._started, 1),
            "metrics": {
                "requests": self._calls.requests,
                "errors": self._calls.errors,
                "in_flight": status.in_flight,
                "sessions": self._sessions(),
                "restarts": status.restarts,
                **status.survey.counts,
            },
            "dependencies": self._dependencies(status),
        }
        if self._reviewed.known:
            body["tools"] = {"reviewed": not self._reviewed.differences, "differences": self._reviewed.differences}
        if problem is not None:
            body["reason"] = problem
        return (200 if problem is None else 503), body

    def _dependencies(self, status: Status) -> dict[str, Any]:
        child: dict[str, Any] = {
            "status": "down" if status.reason is not None else "hanging" if status.hanging else "up",
            "pids": status.pids,
        }
        if status.profile is not None:
            child["revision"] = status.profile.revision
            child["name"] = status.profile.name
        found: dict[str, Any] = {"child": child}
        if self._registrar is not None:
            reached = self._registrar.problem is None
            found["consul"] = {"status": "up" if reached else "down"}
            if not reached:
                found["consul"]["reason"] = self._registrar.problem
        redis_up = None if self._caching is None else self._caching.redis_up
        if redis_up is not None:
            found["redis"] = {"status": "up" if redis_up else "down"}
        return found
