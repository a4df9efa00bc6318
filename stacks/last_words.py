"""Says why a service did not become healthy: what its containers logged before Swarm or the provider removed them.

The Docker provider only reports that a service did not converge, and by then has deleted it. So while services are
created or updated, one thread listens to Docker's events and keeps the last lines of each container that died or turned
unhealthy, and another asks Swarm what it says of tasks that have no container, such as those whose image is missing.
"""

import json
import threading
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import docker
import pulumi
from docker.errors import DockerException, NotFound
from requests.exceptions import RequestException

SERVICE_TYPE = "docker:index/service:Service"
SERVICE_LABEL = "com.docker.swarm.service.name"
TAIL_LINES = 50
"""How many lines of a container are read to find the reason."""

SHOWN_LINES = 10
CALM = frozenset({"debug", "info"})
"""Levels of log lines that tell of no failure."""
WAIT_SECONDS = 5.0
"""How long to wait for a container to die that was told to, when a service failed and nothing is known yet."""

ASK_SECONDS = 1.0
"""How often Swarm is asked about the tasks of services that are being created or updated."""


@dataclass(frozen=True, kw_only=True)
class ContainerEnd:
    """A container that died or turned unhealthy, with the last lines of its log. `exit_code` is None if unhealthy."""

    container: str
    exit_code: str | None
    lines: Sequence[str]

    @property
    def reason(self) -> str:
        """The last reason of a failure that the bridge logged; empty where it logged none."""
        return next((entry.reason for entry in map(_entry, reversed(self.lines)) if entry.reason), "")

    def replaces(self, earlier: "ContainerEnd | None") -> bool:
        """Whether it tells more than an end before it: one that was merely stopped as it started tells nothing."""
        if earlier is None or earlier.container == self.container or not earlier.reason:
            return True
        return self.exit_code != "0" or bool(self.reason)


class LastWords:
    """Watches one Docker engine; `hooks` go to the services whose failures it shall explain."""

    def __init__(self, address: str) -> None:
        """`address` is the engine's. Nothing is asked before a service is created or updated."""
        self._address = address
        self._changed = threading.Condition()
        self._watched: dict[str, str] = {}
        """When each service began to be created or changed, as Docker writes times."""
        self._ends: dict[str, ContainerEnd] = {}
        self._errors: dict[str, str] = {}
        self._started = False
        start = pulumi.ResourceHook("watch-service", self._start)
        stop = pulumi.ResourceHook("service-is-well", self._stop)
        self.hooks = pulumi.ResourceHookBinding(
            before_create=[start],
            before_update=[start],
            after_create=[stop],
            after_update=[stop],
            on_error=[pulumi.ErrorHook("last-words", self._explain)],
        )

    def transformation(self, args: pulumi.ResourceTransformationArgs) -> pulumi.ResourceTransformationResult | None:
        """Give the hooks to every Docker service; for pulumi.runtime.register_stack_transformation."""
        if args.type_ != SERVICE_TYPE:
            return None
        opts = pulumi.ResourceOptions.merge(args.opts, pulumi.ResourceOptions(hooks=self.hooks))
        return pulumi.ResourceTransformationResult(props=args.props, opts=opts)

    def _start(self, args: pulumi.ResourceHookArgs) -> None:
        with self._changed:
            self._watched[_service(args.new_inputs)] = datetime.now(UTC).isoformat()
            self._changed.notify_all()
            if self._started:
                return
            self._started = True
            client = docker.DockerClient(base_url=self._address)
            # Opened before the hook returns: nothing that the service does can be missed.
            events = client.events(
                decode=True,
                filters={
                    "type": ["container"],
                    "event": ["die", "health_status: unhealthy"],
                    "label": [SERVICE_LABEL],
                },
            )
            for name, work in (("container-events", self._listen), ("task-errors", self._ask)):
                threading.Thread(target=self._run, args=(work, client, events), name=name, daemon=True).start()

    def _stop(self, args: pulumi.ResourceHookArgs) -> None:
        with self._changed:
            self._watched.pop(_service(args.new_inputs), None)

    def _run(self, work: Any, client: docker.DockerClient, events: Iterator[Mapping[str, Any]]) -> None:  # noqa: ANN401
        try:
            work(client, events)
        except (DockerException, RequestException) as error:
            pulumi.log.warn(f"Docker stopped answering, so the reason of a failure may be missing: {error}")

    def _listen(self, client: docker.DockerClient, events: Iterator[Mapping[str, Any]]) -> None:
        for event in events:
            actor = event["Actor"]
            service = actor["Attributes"][SERVICE_LABEL]
            try:
                log = client.containers.get(actor["ID"]).logs(tail=TAIL_LINES)
            except NotFound:
                continue
            exit_code = actor["Attributes"].get("exitCode")
            with self._changed:
                earlier = self._ends.get(service)
                if earlier and earlier.container == actor["ID"]:
                    exit_code = earlier.exit_code  # it was told to go because it was unhealthy
                end = ContainerEnd(
                    container=actor["ID"], exit_code=exit_code, lines=log.decode(errors="replace").splitlines()
                )
                if end.replaces(earlier):
                    self._ends[service] = end
                self._changed.notify_all()

    def _ask(self, client: docker.DockerClient, _: Iterator[Mapping[str, Any]]) -> None:
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._watched)
                watched = dict(self._watched)
            for service, since in watched.items():
                error = _task_error(client, service, since)
                if error:
                    with self._changed:
                        self._errors[service] = error
            with self._changed:
                self._changed.wait(ASK_SECONDS)

    def _explain(self, args: pulumi.ErrorHookArgs) -> bool:
        inputs = args.new_inputs or {}
        service = _service(inputs)
        with self._changed:
            self._changed.wait_for(lambda: service in self._ends or service in self._errors, timeout=WAIT_SECONDS)
            end = self._ends.pop(service, None)
            error = self._errors.pop(service, "")
            self._watched.pop(service, None)
        if end or error:
            pulumi.log.error(explanation(inputs, end, error))
        return False


def _service(inputs: Mapping[str, Any] | None) -> str:
    return str((inputs or {}).get("name", ""))


def _task_error(client: docker.DockerClient, service: str, since: str) -> str:
    """Return what Swarm says of the service's youngest task that has an error and was made after `since`."""
    try:
        tasks = client.api.tasks(filters={"service": service})  # type: ignore[no-untyped-call]
    except NotFound:
        return ""
    failed = [task for task in tasks if task["Status"].get("Err") and task["CreatedAt"] > since]
    return str(max(failed, key=lambda task: task["UpdatedAt"])["Status"]["Err"]) if failed else ""


def explanation(inputs: Mapping[str, Any], end: ContainerEnd | None, error: str) -> str:
    """Return why the service with these `inputs` failed.

    Arguments:
        inputs: the service's, as the provider got them.
        end: its last container that died or turned unhealthy, if one ran at all.
        error: what Swarm said of its last task.
    """
    labels = {label["label"]: label["value"] for label in inputs.get("labels", ())}
    kind, name = labels.get("mcp-fleet.kind", "service"), labels.get("mcp-fleet.name", inputs.get("name"))
    head = f'{kind} "{name}" did not become healthy'
    if end is None:
        return f"{head}: {error}"
    entries = [_entry(line) for line in end.lines]
    if end.reason:
        reason = end.reason
    elif end.exit_code is None:
        reason = "its health check failed"
    else:
        reason = f"it exited with code {end.exit_code}"
    shown = [f"  | {entry.text}" for entry in entries[-SHOWN_LINES:]]
    return "\n".join([f"{head}: {reason}", *(["its last lines:", *shown] if shown else ["it logged nothing"])])


@dataclass(frozen=True)
class _Entry:
    """A log line: its text, and the reason of a failure where it is one of the bridge's JSON lines that gives one."""

    text: str
    reason: str = ""


def _entry(line: str) -> _Entry:
    try:
        fields = json.loads(line)
    except ValueError:
        return _Entry(line)
    if not isinstance(fields, dict):
        return _Entry(line)
    text = fields.get("line") or fields.get("message") or fields.get("event") or line
    failed = fields.get("level") not in CALM  # the bridge says why it chose a mode, too
    return _Entry(str(text), str(fields.get("reason") or "") if failed else "")
