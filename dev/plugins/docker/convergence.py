"""Whether a service has become what was asked for.

Decisions are those of terraform-provider-docker 4.5.0 (resource_docker_service_funcs.go), at the same
moments. It looks first after a delay, and then every 5 to 10 s. Swarm's own verdict on an update
(completed, paused, rolled back) is final, so it is taken as soon as it is there; the weaker sign "as many
tasks run as there should" counts only at the moments at which the real provider would look.
"""

import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from dev.plugins.docker import durations
from dev.plugins.docker.engine import Engine
from dev.plugins.docker.waiting import until
from dev.plugins.planning import State
from dev.plugins.resource import OperationError

UPDATE_DELAY: Final = 7.0  # seconds before the real provider first looks at an update
FIRST_PAUSE: Final = 5.0
NEXT_PAUSES: Final = 10.0

STATES: Final = {
    state: position
    for position, state in enumerate(
        (
            "new",
            "allocated",
            "pending",
            "assigned",
            "accepted",
            "preparing",
            "ready",
            "starting",
            "running",
            "complete",
            "shutdown",
            "failed",
            "rejected",
        )
    )
}


@dataclass(frozen=True, slots=True)
class Convergence:
    """How long to wait for a service, as its `convergeConfig` says.

    Attributes:
        delay: seconds before a new service is first looked at.
        timeout: seconds after which it counts as failed.
    """

    delay: float
    timeout: float

    @classmethod
    def of(cls, planned: State) -> "Convergence | None":
        """What a planned service asks for, or None if nothing is to be waited for."""
        config = planned.get("convergeConfig")
        if config is None:
            return None
        return cls(durations.seconds(config["delay"]), durations.seconds(config["timeout"]))


def wait_created(engine: Engine, id_: str, convergence: Convergence) -> None:
    """Waits until all replicas of a new service run.

    Raises:
        OperationError: they do not within the timeout, or the service has no number of replicas.
    """

    def running() -> bool | None:
        return _all_running(engine, engine.get(f"/services/{id_}")) or None

    if not until(running, convergence.timeout, delay=convergence.delay):
        raise OperationError(_did_not_converge(id_, convergence))


def wait_updated(engine: Engine, id_: str, convergence: Convergence) -> None:
    """Waits until an update has been carried out.

    Raises:
        OperationError: Swarm paused it or rolled it back, or it takes longer than the timeout.
    """
    next_look = UPDATE_DELAY
    elapsed = _Stopwatch()

    def updated() -> bool | None:
        nonlocal next_look
        service = engine.get(f"/services/{id_}")
        status = service.get("UpdateStatus") or {}
        match status.get("State"):
            case "completed":
                return True
            case "rollback_completed":
                raise OperationError(f"service rollback completed: {status.get('Message')}")
            case "paused":
                raise OperationError(f"service update paused: {status.get('Message')}")
            case "rollback_paused":
                raise OperationError(f"service rollback paused: {status.get('Message')}")
        if elapsed.seconds() < next_look:
            return None
        next_look += FIRST_PAUSE if next_look == UPDATE_DELAY else NEXT_PAUSES
        if not _all_running(engine, service):
            return None
        if status.get("State") == "rollback_started":
            raise OperationError(f"service rollback completed: {status.get('Message')}")
        return True

    if not until(updated, convergence.timeout):
        raise OperationError(_did_not_converge(id_, convergence))


class _Stopwatch:
    def __init__(self) -> None:
        self._start = time.monotonic()

    def seconds(self) -> float:
        return time.monotonic() - self._start


def _did_not_converge(id_: str, convergence: Convergence) -> str:
    timeout = durations.go_text(round(convergence.timeout * durations.NANOSECONDS["s"]))
    return f"Service with ID ({id_}) did not converge after {timeout}"


def _all_running(engine: Engine, service: Mapping[str, Any]) -> bool:
    replicas = (service["Spec"]["Mode"].get("Replicated") or {}).get("Replicas")
    if replicas is None:
        raise OperationError("no replica count")
    tasks = engine.get("/tasks", {"filters": {"service": [service["ID"]], "desired-state": ["running"]}})
    nodes = {node["ID"] for node in engine.get("/nodes") if node["Status"]["State"] != "down"}
    slots = tasks_by_slot(tasks, nodes).values()
    running = sum(_position(task["Status"]["State"]) == STATES["running"] for task in slots)
    return bool(running == replicas)


def tasks_by_slot(tasks: Iterable[Mapping[str, Any]], nodes: set[str]) -> dict[int, Mapping[str, Any]]:
    """The task that stands for each slot: of several, the one with the lowest desired, then observed, state.

    Args:
        tasks: of one service.
        nodes: IDs of the nodes that are not down; tasks on others do not count.
    """
    slots: dict[int, Mapping[str, Any]] = {}
    for task in tasks:
        if task.get("NodeID") and task["NodeID"] not in nodes:
            continue
        slot = task.get("Slot", 0)
        if slot not in slots or _rank(task) < _rank(slots[slot]):
            slots[slot] = task
    return slots


def _rank(task: Mapping[str, Any]) -> tuple[int, int]:
    return _position(task["DesiredState"]), _position(task["Status"]["State"])


def _position(state: str) -> int:
    return STATES.get(state, len(STATES))
