"""Says why a service did not become healthy: what its containers logged before Swarm or the provider removed them.

The Docker provider only reports that a service did not converge, and by then has deleted it. So from the first service
that is created or updated on, a thread listens to Docker's events and keeps the last lines of each container that died
or turned unhealthy.
"""

import json
import threading
from collections.abc import Iterator, Mapping, Sequence
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
WAIT_SECONDS = 5.0
"""How long to wait for a container to die that was told to, when a service failed and nothing is known yet."""


class LastWords:
    """Listens to one Docker engine; `hooks` go to the services whose failures it shall explain."""

    def __init__(self, address: str) -> None:
        """`address` is the engine's. Nothing is asked before a service is created or updated."""
        self._address = address
        self._lines: dict[str, Sequence[str]] = {}
        self._changed = threading.Condition()
        self._started = False
        start = pulumi.ResourceHook("listen-to-containers", self._start)
        self.hooks = pulumi.ResourceHookBinding(
            before_create=[start], before_update=[start], on_error=[pulumi.ErrorHook("last-words", self._explain)]
        )

    def transformation(self, args: pulumi.ResourceTransformationArgs) -> pulumi.ResourceTransformationResult | None:
        """Give the hooks to every Docker service; for pulumi.runtime.register_stack_transformation."""
        if args.type_ != SERVICE_TYPE:
            return None
        opts = pulumi.ResourceOptions.merge(args.opts, pulumi.ResourceOptions(hooks=self.hooks))
        return pulumi.ResourceTransformationResult(props=args.props, opts=opts)

    def _start(self, _: pulumi.ResourceHookArgs) -> None:
        with self._changed:
            if self._started:
                return
            self._started = True
        client = docker.DockerClient(base_url=self._address)
        # Opened before the hook returns: nothing that the service does can be missed.
        events = client.events(
            decode=True,
            filters={"type": ["container"], "event": ["die", "health_status: unhealthy"], "label": [SERVICE_LABEL]},
        )
        threading.Thread(target=self._listen, args=(client, events), name="last-words", daemon=True).start()

    def _listen(self, client: docker.DockerClient, events: Iterator[Mapping[str, Any]]) -> None:
        try:
            for event in events:
                self._keep(client, event["Actor"])
        except (DockerException, RequestException) as error:
            pulumi.log.debug(f"no more events of containers: {error}")

    def _keep(self, client: docker.DockerClient, actor: Mapping[str, Any]) -> None:
        try:
            log = client.containers.get(actor["ID"]).logs(tail=TAIL_LINES)
        except NotFound:
            return
        lines = log.decode(errors="replace").splitlines()
        with self._changed:
            if lines:
                self._lines[actor["Attributes"][SERVICE_LABEL]] = lines
                self._changed.notify_all()

    def _explain(self, args: pulumi.ErrorHookArgs) -> bool:
        inputs = args.new_inputs or {}
        service = str(inputs.get("name", ""))
        with self._changed:
            self._changed.wait_for(lambda: service in self._lines, timeout=WAIT_SECONDS)
            lines = self._lines.pop(service, ())
        pulumi.log.error(explanation(inputs, lines))
        return False


def explanation(inputs: Mapping[str, Any], lines: Sequence[str]) -> str:
    """Return why the service with these `inputs` failed, from the log `lines` of its last container."""
    labels = {label["label"]: label["value"] for label in inputs.get("labels", ())}
    kind, name = labels.get("mcp-fleet.kind", "service"), labels.get("mcp-fleet.name", inputs.get("name"))
    head = f'{kind} "{name}" did not become healthy'
    if not lines:
        return f"{head}: none of its containers logged anything; `docker service ps {inputs.get('name')}` shows why"
    entries = [_entry(line) for line in lines]
    reason = next((entry["reason"] for entry in reversed(entries) if entry.get("reason")), entries[-1]["text"])
    shown = "\n".join(f"  | {entry['text']}" for entry in entries[-SHOWN_LINES:])
    return f"{head}: {reason}\nits last lines:\n{shown}"


def _entry(line: str) -> dict[str, str]:
    """Return the `text` of a log line, and its `reason` where it is one of the bridge's JSON lines that has one."""
    try:
        fields = json.loads(line)
    except ValueError:
        return {"text": line}
    if not isinstance(fields, dict):
        return {"text": line}
    text = fields.get("line") or fields.get("message") or fields.get("event") or line
    return {"text": str(text), "reason": str(fields.get("reason") or "")}
