"""What was reviewed, kept so that an `up` can do that and nothing else.

Pulumi's own update plans stop in the middle of an `up`, and break where a provider's configuration is not known in the
preview (https://github.com/pulumi/pulumi/issues/17546); this is compared before anything is done.
"""

import hashlib
import json
import subprocess
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TypeAlias

from pydantic import BaseModel, ConfigDict, ValidationError

from fleet.errors import FleetError
from fleet.preview_changes import UNCHANGED
from fleet.preview_log import PreviewLog, Step

GIT_SECONDS = 30
"""How long git may take to say what the code is."""
Urn: TypeAlias = str


class PlannedStep(BaseModel):
    """What is done to a resource, and a hash of the inputs that it gets, its secrets masked."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    op: str
    inputs: str


class Plan(BaseModel):
    """The steps of a preview that change something, by URN.

    `code` is the commit that was previewed, for inputs don't hold what is in an image; None outside of git.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    stack: str
    code: str | None
    steps: Mapping[Urn, PlannedStep]


def plan(stack: str, log: PreviewLog, *, code: str | None) -> Plan:
    """Return what a preview of `code` would do."""
    steps = {step.urn: _planned(step) for step in log.steps if step.op not in UNCHANGED}
    return Plan(stack=stack, code=code, steps=steps)


def code_of(project: Path) -> str | None:
    """Return the commit of a project's folder, with a hash of what is changed since; None outside of git."""
    try:
        commit, changes = (_git(project, *asked) for asked in (("rev-parse", "HEAD"), ("diff", "HEAD")))
    except (OSError, subprocess.SubprocessError):
        return None
    return commit.decode().strip() + (f"+{hashlib.sha256(changes).hexdigest()[:12]}" if changes else "")


def _git(folder: Path, *arguments: str) -> bytes:
    command = ["git", "-C", str(folder), *arguments]
    return subprocess.run(command, capture_output=True, timeout=GIT_SECONDS, check=True).stdout


def _planned(step: Step) -> PlannedStep:
    inputs = json.dumps(step.new.inputs if step.new else {}, sort_keys=True)
    return PlannedStep(op=step.op, inputs=hashlib.sha256(inputs.encode()).hexdigest())


def write(plan: Plan, file: Path) -> None:
    """Write a plan as JSON."""
    file.write_text(plan.model_dump_json(indent=1) + "\n", encoding="utf-8")


def read(file: Path) -> Plan:
    """Read a plan. Raises FleetError where there is none in the file."""
    try:
        return Plan.model_validate_json(file.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, ValidationError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is no plan"
        raise FleetError(f"{file}: can't be read: {reason}", hint="`fleet preview --plan FILE` writes one") from error


def deviations(reviewed: Plan, now: Plan) -> Iterator[str]:
    """Yield a sentence for each difference between what was reviewed and what would be done now."""
    if reviewed.stack != now.stack:
        yield f"stack {reviewed.stack!r} was reviewed, not {now.stack!r}"
        return
    if reviewed.code != now.code:
        yield f"commit {reviewed.code} was reviewed, not {now.code}"
    for urn in sorted(reviewed.steps.keys() | now.steps.keys()):
        before, after = reviewed.steps.get(urn), now.steps.get(urn)
        if before == after:
            continue
        _, _, kind, name = urn.split("::", 3)
        what = f"{name} ({kind.rpartition('$')[2]})"
        if before is None and after is not None:
            yield f"{what}: {after.op} was not reviewed"
        elif after is None and before is not None:
            yield f"{what}: {before.op} was reviewed, nothing is to be done now"
        elif before is not None and after is not None and before.op != after.op:
            yield f"{what}: {before.op} was reviewed, not {after.op}"
        else:
            yield f"{what}: gets other inputs than were reviewed"
