"""What the Pulumi engine says while it previews: steps, violated policies, errors.

`pulumi preview --json` prints one engine event a line where PULUMI_ENABLE_STREAMING_JSON_PREVIEW is set. Secrets are
masked by the engine. Source: https://github.com/pulumi/pulumi/blob/master/sdk/go/common/apitype/events.go
"""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from pydantic import BaseModel, ConfigDict, Field
from pydantic.alias_generators import to_camel

STDERR = "info#err"
"""The severity of what the program writes to stderr."""
FAILED = frozenset({"preview failed", "update failed"})
"""Errors that only say that there were others."""
REPLACEMENT = ("create-replacement", "delete-replaced")
"""Parts of a step `replace`, each told as a step of its own."""


class _Event(BaseModel):
    model_config = ConfigDict(frozen=True, alias_generator=to_camel)


class ResourceState(_Event):
    """A resource before or after a step. Outputs are those of its last `up`."""

    parent: str = ""
    inputs: Mapping[str, Any] = Field(default_factory=dict)
    outputs: Mapping[str, Any] = Field(default_factory=dict)


class Step(_Event):
    """What `up` would do to one resource: `op` is create, update, replace, delete, same …"""

    op: str
    urn: str
    type: str
    old: ResourceState | None = None
    new: ResourceState | None = None
    detailed_diff: Mapping[str, Any] | None = None
    """By path of a property that changes."""

    @property
    def name(self) -> str:
        """The resource's own name."""
        return self.urn.rpartition("::")[2]

    @property
    def parent(self) -> str:
        """URN of the component that it belongs to; nothing for the stack."""
        state = self.new or self.old
        return state.parent if state else ""


class Violation(_Event):
    """A policy that a resource breaks. `message` begins with the policy's description."""

    resource_urn: str = ""
    message: str
    policy_name: str
    enforcement_level: str

    @property
    def mandatory(self) -> bool:
        """Whether it keeps the stack from being deployed."""
        return self.enforcement_level == "mandatory"


class _Diagnostic(_Event):
    message: str
    severity: str
    urn: str = ""
    ephemeral: bool = False


@dataclass(frozen=True, kw_only=True)
class PreviewLog:
    """All that a preview said. `errors` is empty where it went to its end."""

    steps: tuple[Step, ...]
    violations: tuple[Violation, ...]
    errors: tuple[str, ...]


def read(lines: Iterable[str], *, failed: bool, stderr: str = "") -> PreviewLog:
    """Read the engine's output.

    Args:
        lines: its stdout. What is no event is shown as an error if it failed.
        failed: whether it ended with another status than 0.
        stderr: where it says why it could not even begin.
    """
    steps: dict[str, Step] = {}
    violations: list[Violation] = []
    diagnostics: list[_Diagnostic] = []
    other: list[str] = []
    for line in filter(str.strip, lines):
        event = _event(line)
        if event is None:
            other.append(line)
        elif begun := event.get("resourcePreEvent"):
            step = Step.model_validate(begun["metadata"])
            if step.op not in REPLACEMENT:
                steps[step.urn] = step
        elif violation := event.get("policyEvent"):
            violations.append(Violation.model_validate(violation))
        elif diagnostic := event.get("diagnosticEvent"):
            diagnostics.append(_Diagnostic.model_validate(diagnostic))
    errors = _errors(diagnostics, [*other, *stderr.splitlines()]) if failed else ()
    if failed and not errors and not any(violation.mandatory for violation in violations):
        errors = ("the preview failed and did not say why; run it again by `pulumi preview`",)
    return PreviewLog(steps=tuple(steps.values()), violations=tuple(dict.fromkeys(violations)), errors=errors)


def _event(line: str) -> dict[str, Any] | None:
    try:
        event = json.loads(line)
    except ValueError:
        return None
    return event if isinstance(event, dict) else None


def _errors(diagnostics: list[_Diagnostic], other: list[str]) -> tuple[str, ...]:
    """The engine's own errors; where there are none, what the program wrote to stderr; else what is left."""
    told = [
        f"{item.urn.rpartition('::')[2]}: {item.message.strip()}" if item.urn else item.message.strip()
        for item in diagnostics
        if item.severity == "error" and not item.ephemeral and item.message.strip() not in FAILED
    ]
    written = [item.message.rstrip() for item in diagnostics if item.severity == STDERR]
    for lines in (told, written, other):
        if kept := [line for text in lines for line in text.splitlines() if line.strip()]:
            return tuple(dict.fromkeys(kept))
    return ()
