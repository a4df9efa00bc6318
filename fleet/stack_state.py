"""What Pulumi's state has of a stack, wherever it is kept: read, and given back. Secrets stay encrypted."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from fleet import pulumi_cli
from fleet.errors import FleetError
from fleet.failure_hints import hint

CREATING = "creating"
"""Kind of an operation that may have made something that the state does not know."""


class Resource(BaseModel):
    """A resource as the state has it."""

    model_config = ConfigDict(frozen=True)

    urn: str
    type: str
    id: str = ""
    provider: str = ""
    protect: bool = False
    inputs: Mapping[str, Any] = Field(default_factory=dict)

    @property
    def name(self) -> str:
        """Its own name."""
        return self.urn.rpartition("::")[2]


class Operation(BaseModel):
    """An operation on a resource that began, and of which the state does not know how it ended."""

    model_config = ConfigDict(frozen=True)

    resource: Resource
    type: str


class _Deployment(BaseModel):
    model_config = ConfigDict(frozen=True)

    resources: Sequence[Resource] = ()
    pending_operations: Sequence[Operation] = ()


@dataclass(frozen=True, kw_only=True)
class StackState:
    """The state of a stack.

    Attributes:
        resources: what it has.
        pending: what was interrupted.
        document: all of it, as `pulumi stack export` wrote it.
    """

    resources: Sequence[Resource]
    pending: Sequence[Operation]
    document: Mapping[str, Any]

    @property
    def has_machines(self) -> bool:
        """Whether machines of a cloud are part of the stack, and go with it."""
        return any(resource.type == "pulumi:providers:aws" for resource in self.resources)

    @property
    def outline(self) -> tuple[list[tuple[str, str]], list[tuple[str, str]]]:
        """URN and id of each resource, kind and URN of what is pending: no ciphertexts, which may be new each time."""
        resources = [(resource.urn, resource.id) for resource in self.resources]
        return resources, [(operation.type, operation.resource.urn) for operation in self.pending]

    @property
    def protected(self) -> list[str]:
        """Names of the resources that Pulumi refuses to delete."""
        return sorted({f"{found.name} ({found.type.rpartition(':')[2]})" for found in self.resources if found.protect})


def read(stack: str, project: Path, environment: Mapping[str, str]) -> StackState:
    """Read the state of a stack.

    Raises:
        FleetError: Pulumi does not give it.
    """
    document: dict[str, Any] = json.loads(_pulumi("export", stack, project, environment))
    found = _Deployment.model_validate(document.get("deployment") or {})
    return StackState(resources=found.resources, pending=found.pending_operations, document=document)


def settled(state: StackState, found: Mapping[str, str]) -> dict[str, Any]:
    """Return the document of a state in which nothing is pending.

    Args:
        state: with interrupted operations.
        found: id of what an interrupted creation made, by the URN of its resource; it becomes part of the state, with
            its inputs for what is known of it until it is refreshed.
    """
    deployment = dict(state.document["deployment"])
    made = [
        {**pending["resource"], "id": found[urn], "outputs": pending["resource"].get("inputs", {})}
        for pending in deployment.pop("pending_operations", ())
        if pending["type"] == CREATING and (urn := pending["resource"]["urn"]) in found
    ]
    deployment["resources"] = [*deployment.get("resources", ()), *made]
    return {**state.document, "deployment": deployment}


def write(document: Mapping[str, Any], stack: str, project: Path, environment: Mapping[str, str]) -> None:
    """Replace the state of a stack.

    Raises:
        FleetError: Pulumi does not take it.
    """
    _pulumi("import", stack, project, environment, given=json.dumps(document))


def _pulumi(
    command: str, stack: str, project: Path, environment: Mapping[str, str], *, given: str | None = None
) -> str:
    run = pulumi_cli.ask("stack", command, "--stack", stack, project=project, environment=environment, given=given)
    if run.returncode != 0:
        raise FleetError(
            f"stack {stack!r}: Pulumi does not {command} its state: {run.stderr.strip()}", hint=hint(stack, run.stderr)
        )
    return run.stdout
