"""Why a server or component is, or is not, healthy: what Swarm tried, what it said, and what to do next."""

import json
import re
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from difflib import get_close_matches
from itertools import groupby
from typing import Any

from docker.errors import DockerException, NotFound

from fleet import tool_differences
from fleet.errors import FleetError
from fleet.outputs import Outputs
from fleet.status import UPDATES
from fleet.swarm import UNEXPLAINED, Engine, Health, Service, Task, read_services

LOG_LINES = 15
"""How many lines of a log are shown."""
REASON_EVENTS = ("child_failed", "gave_up", "quarantined")
"""Events in a bridge's log whose `reason` says why a server does not serve."""
UNSHOWN = ("time", "level", "server", "event")
"""Fields of a bridge's log that go without saying."""
KILLED = 137
"""Exit code of a process that was killed, mostly for going beyond its memory limit."""

_TASK_OF_LINE = re.compile(
    r"^(?P<time>\S+) (?P<details>\S*com\.docker\.swarm\.task\.id=(?P<task>\w+)\S*) (?P<text>.*)$"
)


@dataclass(frozen=True, kw_only=True)
class Failure:
    """Attempts that failed in the same way, one after another.

    Attributes:
        attempts: how many.
        time: when the last of them began.
        exit_code: of its process; None if there was none.
        error: what Swarm says of it.
    """

    attempts: int
    time: str
    exit_code: int | None
    error: str


@dataclass(frozen=True, kw_only=True)
class Diagnosis:
    """What is known of one server or component.

    Attributes:
        summary: one sentence.
        reason: the server's own words for why it could not start, from its bridge's log.
        update: what became of the last update, if that is worth a word.
        tools: how tools that nobody reviewed differ (changed, new, missing), by name.
        failures: attempts that failed, as far back as Swarm remembers, the newest first.
        check: what the last health check of a failed attempt printed.
        log: the last lines of the log: of the last attempt that failed if that explains something, else of a replica.
        advice: what to do next, most useful first.
    """

    name: str
    health: Health
    replicas: str
    summary: str
    reason: str | None
    update: str | None
    tools: dict[str, str]
    failures: tuple[Failure, ...]
    check: str | None
    log: tuple[str, ...]
    advice: tuple[str, ...]

    def to_json(self) -> dict[str, Any]:
        """As `fleet why --json` prints it."""
        return asdict(self)


@dataclass(frozen=True)
class LogLine:
    """A line of a service's log and the task that wrote it."""

    time: str
    task: str
    text: str


def diagnose(api: Engine, exported: Outputs, name: str, *, configured: Sequence[str] = ()) -> Diagnosis:
    """Find out about a server or component.

    Args:
        exported: what the stack exported when it was last brought up.
        configured: the servers that its file names, deployed or not.

    Raises:
        FleetError: The stack has none of this name, or Docker does not answer.
    """
    services = {service.name: service for service in read_services(api, exported.stack)}
    if name in services:
        return _of_service(api, exported.stack, services[name])
    stack = exported.stack
    if name in exported.urls or name in configured:
        return _of_missing(stack, name)
    known = sorted({*services, *exported.urls, *configured})
    close = get_close_matches(name, known, n=1)
    raise FleetError(
        f"stack {stack!r} has no server or component {name!r}",
        hint=f"did you mean {close[0]!r}?" if close else f"there is {', '.join(known) or 'nothing'}",
    )


def _of_service(api: Engine, stack: str, service: Service) -> Diagnosis:
    failures = service.failures
    tools = tool_differences.read(api, service)
    troubled = service.health is not Health.HEALTHY or service.update.startswith("rollback")
    told = [task for task in (failures if troubled else ()) if task.container] or list(service.tasks)
    lines = _log(api, service, told[0]) if told else []
    return Diagnosis(
        name=service.name,
        health=service.health,
        replicas=f"{service.running}/{service.desired}",
        summary=_summary(service),
        reason=_reason(lines) if troubled else None,
        update=_update(service),
        tools=tools,
        failures=_failures(failures),
        check=_check(api, told[0]) if told and troubled else None,
        log=tuple(_readable(line.text) for line in lines[-LOG_LINES:]),
        advice=(*_advice(stack, service), *_advice_on_tools(stack, service, tools)),
    )


def _advice_on_tools(stack: str, service: Service, tools: dict[str, str]) -> tuple[str, ...]:
    if not tools:
        return ()
    return (f"`fleet tools lock {service.name} --stack {stack}` records its tools anew: review what differs",)


def _of_missing(stack: str, name: str) -> Diagnosis:
    return Diagnosis(
        name=name,
        health=Health.MISSING,
        replicas="0/1",
        summary="Docker has no service of it: a new server that never became healthy is removed again",
        reason=None,
        update=None,
        tools={},
        failures=(),
        check=None,
        log=(),
        advice=(f"`pulumi up --refresh -s {stack}`: brings it up, or says why it can't",),
    )


def _summary(service: Service) -> str:
    count = f"{service.running} of {service.desired} replicas serve"
    match service.health:
        case Health.HEALTHY:
            return count
        case Health.STARTING:
            states = sorted({task.state for task in service.tasks if task.wanted == "running" and not task.runs})
            return f"{count}; another is {' or '.join(states) or 'about to be made'}"
    last = service.failures[0]
    outcome = "waits" if last.state == "pending" else "failed"
    return f"{count}; the last attempt {outcome}: {last.error}"


def _update(service: Service) -> str | None:
    if service.update not in UPDATES:
        return None
    return (
        f"{UPDATES[service.update]} ({service.update_message})" if service.update_message else UPDATES[service.update]
    )


def _advice(stack: str, service: Service) -> tuple[str, ...]:
    up = f"`pulumi up -s {stack}`"
    where = f"mcp-fleet:servers.{service.name} in Pulumi.{stack}.yaml" if service.kind == "server" else "the program"
    if service.health is Health.HEALTHY:
        if service.update.startswith("rollback"):
            return (f"the version before serves; mend the cause in {where}, then {up}",)
        return ()
    if service.health is Health.STARTING:
        return ("wait a moment, then ask again",)
    last = service.failures[0]
    if last.state == "pending":
        return (f"lower `cpu` or `memory` of {where}, or free the host; then {up}",)
    if "No such image" in last.error:
        return (f"its image is gone from the registry: `pulumi refresh -s {stack}`, then {up}",)
    if "OCI runtime" in last.error:
        return ("Docker itself could not start the container: `fleet doctor` says how the engine is",)
    if "unhealthy container" in last.error or last.error == UNEXPLAINED:
        return (f"its health check never passed: mend the cause in {where}, or raise `start-seconds`; then {up}",)
    if last.exit_code == KILLED and service.memory:
        limit = f"{service.memory >> 20}M"
        return (
            f"it was killed, as a process is that needs more than its {limit}: raise `memory` of {where}, then {up}",
        )
    return (f"mend the cause in {where} (source, args, env, secrets, start-seconds), then {up}",)


def _failures(tasks: Sequence[Task]) -> tuple[Failure, ...]:
    alike = groupby(tasks, key=lambda task: (task.exit_code, task.error))
    return tuple(
        Failure(attempts=len(group), time=group[0].created[:19], exit_code=exit_code, error=error)
        for (exit_code, error), group in ((key, list(tasks)) for key, tasks in alike)
    )


def _log(api: Engine, service: Service, task: Task) -> list[LogLine]:
    """The log of a task, in the order of time; why there is none where Docker can't give it."""
    try:
        stream = api.service_logs(
            service.id, details=True, stdout=True, stderr=True, timestamps=True, tail=LOG_LINES, is_tty=False
        )
        text = b"".join(stream).decode(errors="replace")
    except (DockerException, OSError) as error:
        return [LogLine("", "", f"(no log: {error})")]
    lines = (
        LogLine(found["time"], found["task"], found["text"])
        for line in text.splitlines()
        if (found := _TASK_OF_LINE.match(line)) and found["task"] == task.id
    )
    return sorted(lines, key=lambda line: line.time)


def _event(text: str) -> dict[str, Any]:
    """A line of a bridge's log, which is JSON; empty for any other line."""
    try:
        event = json.loads(text)
    except ValueError:
        return {}
    return event if isinstance(event, dict) else {}


def _reason(lines: Iterable[LogLine]) -> str | None:
    """The last reason that a bridge gave for not serving."""
    reasons = [
        event["reason"]
        for line in lines
        if (event := _event(line.text)).get("event") in REASON_EVENTS and "reason" in event
    ]
    return str(reasons[-1]) if reasons else None


def _readable(text: str) -> str:
    """A line of a log for people: what a server wrote as it wrote it, an event of the bridge with its fields."""
    event = _event(text)
    if not event:
        return text
    if event.get("stream") == "child":
        return str(event.get("line", text))
    rest = " ".join(f"{key}={value}" for key, value in event.items() if key not in UNSHOWN)
    return f"[{event.get('event', 'log')}] {rest}".rstrip()


def _check(api: Engine, task: Task) -> str | None:
    """What the last health check of a container printed; the engine knows as long as it keeps the container."""
    if task.container is None:
        return None
    try:
        state = api.inspect_container(task.container)["State"]
    except NotFound:
        return None
    results = (state.get("Health") or {}).get("Log") or []
    return results[-1]["Output"].strip() or None if results else None
