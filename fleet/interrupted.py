"""Puts the state of a stack on AWS right after a run that was killed: what it made and could not record is found.

It becomes part of the state again: the next run goes on with it, and a destroy removes it. docs/decisions/0023.
"""

import subprocess
from collections.abc import Iterable, Mapping
from pathlib import Path

from fleet import stack_state
from fleet.aws_findings import AwsAccount, id_of
from fleet.console import say
from fleet.errors import FleetError
from fleet.stack_state import CREATING, Resource, StackState

AWS = "aws:"


def take_over(stack: str, project: Path, environment: Mapping[str, str]) -> StackState:
    """Return the state of a stack, from which nothing is missing that an interrupted run made on AWS.

    Raises:
        FleetError: Pulumi or AWS refuses.
    """
    state = stack_state.read(stack, project, environment)
    if not state.pending or not state.has_machines:
        return state
    creating = [item.resource for item in state.pending if item.type == CREATING and item.resource.type.startswith(AWS)]
    found = dict(_found(state, creating))
    if stack_state.read(stack, project, environment).outline != state.outline:
        raise FleetError(f"stack {stack!r} is being changed by another run", hint="wait until that ends")
    stack_state.write(stack_state.settled(state, found), stack, project, environment)
    say(f"the last run of stack {stack} was interrupted in {len(state.pending)} places:")
    for resource in creating:
        made = f"is there, as {found[resource.urn]}: it is used" if resource.urn in found else "was not made"
        say(f"  {resource.name} ({resource.type}) {made}")
    if found:
        _refresh(found, stack, project, environment)
    return stack_state.read(stack, project, environment)


def _found(state: StackState, creating: Iterable[Resource]) -> Iterable[tuple[str, str]]:
    regions = {
        f"{provider.urn}::{provider.id}": str(provider.inputs["region"])
        for provider in state.resources
        if provider.type == "pulumi:providers:aws"
    }
    for resource in creating:
        account = AwsAccount(regions[resource.provider])
        known = frozenset(other.id for other in state.resources if other.type == resource.type)
        if found := id_of(account, resource.type, resource.inputs, known):
            yield resource.urn, found


def _refresh(urns: Iterable[str], stack: str, project: Path, environment: Mapping[str, str]) -> None:
    """Read what was found, and nothing else: hosts may not answer."""
    options = ["--yes", "--skip-preview", "--run-program=false", "--non-interactive", "--stack", stack]
    targets = [argument for urn in urns for argument in ("--target", urn)]
    run = subprocess.run(
        ["pulumi", "refresh", *options, *targets],
        cwd=project,
        env=dict(environment),
        stdout=2,
        check=False,
    )
    if run.returncode != 0:
        raise FleetError(f"stack {stack!r}: what an interrupted run made can't be read", hint="the reason stands above")
