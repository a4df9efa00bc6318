"""What a preview means to a reviewer: servers that come, change and go, and what else does. Pure."""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from fleet.preview_log import PreviewLog, Step
from policy.resource_types import STATEFUL

SERVER = "mcp-fleet:components:McpServer"
IMAGE = "docker-build:index:Image"
UNCHANGED = frozenset({"same", "read", "refresh"})
UNKNOWN = frozenset(
    {
        "1c4a061d-8072-4f0a-a4cb-0ff528b18fe7",
        "3eeb2bf0-c639-47a8-9e75-3b44932eb421",
        "04da6b54-80e4-46f7-96ec-b56ff0331ba9",
        "6a19a0b0-7e62-4c92-b797-7f8e31da9cc2",
        "dd056dcd-154b-4c76-9bd3-c8f88648b5ff",
    }
)
"""What the engine writes for a value that only `up` will know.
Source: https://github.com/pulumi/pulumi/blob/master/sdk/go/common/resource/plugin/rpc.go"""
SIGNATURE = "4dabf18193072939515e22adb298388d"
"""The key that marks a secret. Source: sdk/go/common/resource/sig/sig.go, in the same repository."""

NO_PLAIN_SECRET = "no-plain-secret"  # noqa: S105 - a rule's id
"""The rule of the policy pack, the violations of which must not be repeated value by value."""

MEBIBYTE = 1 << 20
_PATH = re.compile(r'\["(?P<key>(?:[^"\\]|\\.)*)"\]|\[(?P<index>\d+)\]|\.?(?P<name>[^.\[]+)')
_NAMES = (
    ("taskSpec.resources.limits.nanoCpus", "cpu"),
    ("taskSpec.resources.limits.memoryBytes", "memory"),
    ("mode.replicated.replicas", "replicas"),
    ("taskSpec.containerSpec.", ""),
    ("taskSpec.", ""),
)
"""What properties of a service are called in a stack's file."""


class Kind(StrEnum):
    """What happens to a server."""

    ADDED = "added"
    CHANGED = "changed"
    REMOVED = "removed"


@dataclass(frozen=True, kw_only=True)
class PropertyChange:
    """A property of a resource before and after; a text that says so where a value is secret or not known yet."""

    property: str
    before: str
    after: str


@dataclass(frozen=True, kw_only=True)
class ServerChange:
    """A server that comes, changes or goes.

    Attributes:
        before, after: its version; None where there is none.
        digest: of the image that runs; None for a new server.
        rebuilt: whether `up` builds an image, the digest of which is known then.
        properties: what else changes of its service.
    """

    name: str
    kind: Kind
    before: str | None
    after: str | None
    digest: str | None
    rebuilt: bool
    properties: tuple[PropertyChange, ...]


@dataclass(frozen=True, kw_only=True)
class ResourceChange:
    """What `up` does to one resource. `owner` is the component that it belongs to, or nothing."""

    op: str
    type: str
    name: str
    owner: str
    properties: tuple[str, ...]

    @property
    def loses_state(self) -> bool:
        """Whether data goes with it."""
        return self.type in STATEFUL and self.op in ("delete", "replace")


@dataclass(frozen=True, kw_only=True)
class Changes:
    """All that would change."""

    servers: tuple[ServerChange, ...]
    resources: tuple[ResourceChange, ...]

    @property
    def counts(self) -> Mapping[str, int]:
        """How many resources are created, updated …"""
        ops = [resource.op for resource in self.resources]
        return {op: ops.count(op) for op in dict.fromkeys(ops)}


def changes(log: PreviewLog) -> Changes:
    """Return what the steps of a preview come to."""
    parents = {step.urn: step.parent for step in log.steps}
    hidden = {violation.resource_urn for violation in log.violations if violation.policy_name == NO_PLAIN_SECRET}
    changed = [step for step in log.steps if step.op not in UNCHANGED]
    servers: dict[str, list[Step]] = {}
    for step in log.steps:
        if server := _server(step.urn, parents):
            servers.setdefault(server, []).append(step)
    return Changes(
        servers=tuple(
            _server_change(urn, steps, hidden)
            for urn, steps in sorted(servers.items())
            if any(step.op not in UNCHANGED for step in steps)
        ),
        resources=tuple(_resource_change(step, parents) for step in changed if not _is_component(step.type)),
    )


def _is_component(kind: str) -> bool:
    return kind.startswith(("mcp-fleet:", "pulumi:pulumi:"))


def _server(urn: str, parents: Mapping[str, str]) -> str | None:
    """The URN of the server that a resource belongs to, or is."""
    while urn:
        if urn.split("::")[2].rpartition("$")[2] == SERVER:
            return urn
        urn = parents.get(urn, "")
    return None


def _server_change(urn: str, steps: Sequence[Step], hidden: set[str]) -> ServerChange:
    own = next((step.op for step in steps if step.urn == urn), "same")
    image = next((step for step in steps if step.type == IMAGE), None)
    services = [step for step in steps if step.op == "update" and step.type != IMAGE]
    return ServerChange(
        name=urn.rpartition("::")[2],
        kind={"create": Kind.ADDED, "delete": Kind.REMOVED}.get(own, Kind.CHANGED),
        before=_version(image.old.inputs) if image and image.old else None,
        after=_version(image.new.inputs) if image and image.new else None,
        digest=str(image.old.outputs.get("digest") or "") or None if image and image.old else None,
        rebuilt=image is not None and image.op in ("create", "update", "replace"),
        properties=tuple(change for step in services for change in _properties(step, shown=step.urn not in hidden)),
    )


def _version(image: Mapping[str, Any]) -> str | None:
    """The version of a package; of own code the image's tag."""
    version = (image.get("buildArgs") or {}).get("VERSION")
    tags = image.get("tags") or ()
    return str(version) if version else next((str(tag).rpartition(":")[2] for tag in tags), None)


def _properties(step: Step, *, shown: bool) -> Iterator[PropertyChange]:
    for path in step.detailed_diff or ():
        if path == "taskSpec.containerSpec.image":
            continue  # its version and digest are told on their own
        before, after = (_text(path, _at(state.inputs if state else {}, path)) for state in (step.old, step.new))
        if not shown:
            before = after = "not shown: it may be a secret"
        yield PropertyChange(property=_name(path), before=before, after=after)


def _name(path: str) -> str:
    for beginning, name in _NAMES:
        if path.startswith(beginning):
            return name + path.removeprefix(beginning)
    return path


def _at(value: Any, path: str) -> Any:  # noqa: ANN401 - any JSON
    """The value at a path as `a.b[0]["c.d"]`; None where there is none."""
    for found in _PATH.finditer(path):
        key, index, name = found["key"], found["index"], found["name"]
        if index is not None:
            value = value[int(index)] if isinstance(value, list) and int(index) < len(value) else None
        else:
            value = value.get(name or key.replace('\\"', '"')) if isinstance(value, Mapping) else None
    return value


def _text(path: str, value: Any) -> str:  # noqa: ANN401 - any JSON
    if value is None:
        return ""
    if isinstance(value, Mapping) and SIGNATURE in value:
        return "a secret"
    if isinstance(value, str) and value in UNKNOWN:
        return "known after up"
    if path.endswith("memoryBytes") and isinstance(value, int):
        return f"{value / MEBIBYTE:g}M"
    if path.endswith("nanoCpus") and isinstance(value, int):
        return f"{value / 1e9:g}"
    if isinstance(value, Mapping) and (file := value.get("secretName") or value.get("configName")):
        return _text("", file)
    if isinstance(value, Mapping | list):
        return _joined(value)
    return str(value)


def _joined(value: Mapping[str, Any] | list[Any]) -> str:
    items: Iterable[str] = (
        (f"{key}: {_text('', item)}" for key, item in value.items())
        if isinstance(value, Mapping)
        else (_text("", item) for item in value)
    )
    return ", ".join(items)


def _resource_change(step: Step, parents: Mapping[str, str]) -> ResourceChange:
    owner = parents.get(step.urn, "")
    named = owner and not owner.split("::")[2].startswith("pulumi:pulumi:")
    return ResourceChange(
        op=step.op,
        type=step.type,
        name=step.name,
        owner=owner.rpartition("::")[2] if named else "",
        properties=tuple(step.detailed_diff or ()),
    )
