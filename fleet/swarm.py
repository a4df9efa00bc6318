"""The services of a stack as the Docker API shows them (https://docs.docker.com/reference/api/engine/)."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Protocol, cast

import docker
from docker.errors import DockerException

from fleet.errors import FleetError

STACK_LABEL = "mcp-fleet.stack"
KIND_LABEL = "mcp-fleet.kind"
NAME_LABEL = "mcp-fleet.name"
REVIEWED_TOOLS = "MCP_BRIDGE_REVIEWED_TOOLS="
SECONDS = 15
"""How long the Docker API may take to answer."""
FAILED = frozenset({"failed", "rejected", "complete"})
"""States of tasks that ended badly. `complete` is a process that left with exit code 0, as no service of ours should
before Swarm asks for it (then it is `shutdown`); Docker stops an unhealthy container, and that ends so too."""
UNEXPLAINED = "it ended by itself, or was stopped as its health check kept failing"


class Health(StrEnum):
    """How a server or component is."""

    HEALTHY = "healthy"
    """Every replica that should run does, and passes its health check."""
    STARTING = "starting"
    """A replica is on its way, and none failed before it."""
    UNHEALTHY = "unhealthy"
    """A replica failed, or can't be placed on a host."""
    MISSING = "missing"
    """It should run, and Docker has no service of it."""


@dataclass(frozen=True, kw_only=True)
class Task:
    """One attempt of Swarm to run one replica. Swarm keeps the last few of each replica.

    Attributes:
        slot: the replica's number, from 1; 0 for a service that runs on every host.
        state: where it is: `running` means that its health check passed.
        wanted: where Swarm wants it: `running`, or `shutdown` once it is replaced.
        error: what went wrong, in Swarm's words where it has any.
        exit_code: of its process, once that ended; None if it never had one.
        container: the container's id, once it has one.
        created: ISO 8601 time.
    """

    id: str
    slot: int
    state: str
    wanted: str
    error: str
    exit_code: int | None
    container: str | None
    created: str

    @property
    def runs(self) -> bool:
        """Whether it serves, and is meant to."""
        return self.state == self.wanted == "running"

    @property
    def failed(self) -> bool:
        """Whether it ended badly, or waits for something that does not come, such as a host with room."""
        return self.state in FAILED or (self.state == "pending" and bool(self.error))

    @classmethod
    def read(cls, raw: Mapping[str, Any]) -> "Task":
        """Read one element of `GET /tasks`."""
        status = raw["Status"]
        container = status.get("ContainerStatus") or {}
        # A task that never got a container is given exit code 0 all the same.
        exit_code = container.get("ExitCode") if container.get("ContainerID") else None
        return cls(
            id=raw["ID"],
            slot=raw.get("Slot", 0),
            state=status["State"],
            wanted=raw["DesiredState"],
            error=status.get("Err") or (UNEXPLAINED if status["State"] in FAILED else ""),
            exit_code=exit_code,
            container=container.get("ContainerID") or None,
            created=raw["CreatedAt"],
        )


@dataclass(frozen=True, kw_only=True)
class Service:
    """One service with its tasks, the newest first.

    Attributes:
        name: the bare name, without the stack's.
        kind: `server` or `component`.
        desired: how many replicas should run.
        update: state of the last update, such as `updating` or `rollback_completed`; empty if there was none.
        update_message: what Swarm says of it.
        memory: limit of one replica in bytes; 0 is none.
        compares_tools: whether its replicas compare their tools with those that were reviewed.
    """

    id: str
    name: str
    kind: str
    desired: int
    update: str
    update_message: str
    memory: int
    compares_tools: bool
    tasks: tuple[Task, ...]

    @property
    def running(self) -> int:
        """How many replicas serve."""
        return sum(task.runs for task in self.tasks)

    @property
    def failures(self) -> tuple[Task, ...]:
        """The tasks that failed, the newest first, as far back as Swarm remembers."""
        return tuple(task for task in self.tasks if task.failed)

    @property
    def health(self) -> Health:
        """HEALTHY while enough replicas serve, also during an update or after one that was rolled back."""
        if self.running >= self.desired:
            return Health.HEALTHY
        serving = {task.slot for task in self.tasks if task.runs}
        waiting = {task.slot for task in self.tasks} - serving
        return Health.UNHEALTHY if any(map(self._slot_failed, waiting)) else Health.STARTING

    def _slot_failed(self, slot: int) -> bool:
        """Whether a replica's current attempt failed, or the one before it."""
        attempts = [task for task in self.tasks if task.slot == slot]
        return any(task.failed for task in attempts[:2])


class Engine(Protocol):
    """The calls of docker.APIClient that the fleet makes."""

    base_url: str

    def services(self, filters: Mapping[str, Any]) -> list[dict[str, Any]]:
        """GET /services"""

    def tasks(self, filters: Mapping[str, Any]) -> list[dict[str, Any]]:
        """GET /tasks"""

    def service_logs(
        self, service: str, *, details: bool, stdout: bool, stderr: bool, timestamps: bool, tail: int, is_tty: bool
    ) -> Iterator[bytes]:
        """GET /services/{id}/logs"""

    def inspect_container(self, container: str) -> dict[str, Any]:
        """GET /containers/{id}/json"""

    def exec_create(self, container: str, cmd: Sequence[str]) -> dict[str, Any]:
        """POST /containers/{id}/exec"""

    def exec_start(self, exec_id: str) -> bytes:
        """POST /exec/{id}/start"""


def read_services(api: Engine, stack: str) -> tuple[Service, ...]:
    """Return the services of a stack by name. Raises FleetError where Docker does not answer or is no Swarm manager."""
    try:
        found = api.services(filters={"label": f"{STACK_LABEL}={stack}"})
        tasks = api.tasks(filters={"service": [service["ID"] for service in found]}) if found else []
    except (DockerException, OSError) as error:
        raise _no_answer(api.base_url, error) from error
    return tuple(sorted((_service(raw, tasks) for raw in found), key=lambda service: service.name))


@contextmanager
def connected(environment: Mapping[str, str]) -> Iterator[Engine]:
    """A client of the engine at DOCKER_HOST. Raises FleetError where it does not answer."""
    address = environment.get("DOCKER_HOST", "unix:///var/run/docker.sock")
    try:
        client = docker.APIClient(base_url=address, version="auto", timeout=SECONDS)
    except (DockerException, OSError) as error:
        raise _no_answer(address, error) from error
    try:
        yield cast("Engine", client)
    finally:
        client.close()


def _no_answer(address: str, error: Exception) -> FleetError:
    advice = "`fleet engine` starts it; `fleet doctor` says what is wrong"
    return FleetError(f"Docker does not answer at {address}: {error}", hint=advice)


def _service(raw: Mapping[str, Any], tasks: Iterable[Mapping[str, Any]]) -> Service:
    spec = raw["Spec"]
    own = [Task.read(task) for task in tasks if task["ServiceID"] == raw["ID"]]
    own.sort(key=lambda task: task.created, reverse=True)
    replicated = spec["Mode"].get("Replicated")
    desired = replicated["Replicas"] if replicated else sum(task.wanted == "running" for task in own)
    update = raw.get("UpdateStatus") or {}
    limits = (spec["TaskTemplate"].get("Resources") or {}).get("Limits") or {}
    container = spec["TaskTemplate"].get("ContainerSpec") or {}
    return Service(
        id=raw["ID"],
        name=spec["Labels"].get(NAME_LABEL, spec["Name"]),
        kind=spec["Labels"].get(KIND_LABEL, "component"),
        desired=desired,
        update=update.get("State", ""),
        update_message=update.get("Message", ""),
        memory=limits.get("MemoryBytes", 0),
        compares_tools=any(each.startswith(REVIEWED_TOOLS) for each in container.get("Env") or ()),
        tasks=tuple(own),
    )
