"""Previews a stack for its reviewers: what changes, which policies it breaks, which secrets are missing."""

import subprocess
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from fleet import comparison, preview_changes, preview_log, preview_plan, pulumi_cli, stack_secrets
from fleet.comparison import Comparison
from fleet.deployment import POLICY_PACK
from fleet.errors import FleetError
from fleet.git_base import Base
from fleet.preview_changes import Changes
from fleet.preview_log import Violation
from fleet.preview_plan import Plan
from fleet.project import stack_file
from fleet.stack_secrets import Secret, State


@dataclass(frozen=True, kw_only=True)
class Preview:
    """What a preview found.

    Attributes:
        errors: why it could not be made.
        missing: the secrets to set first.
        plan: what an `up` would do.
        comparison: what else changes, against the commit that the change is based on.
    """

    stack: str
    errors: tuple[str, ...]
    violations: tuple[Violation, ...]
    missing: tuple[Secret, ...]
    changes: Changes
    plan: Plan
    comparison: Comparison

    @property
    def may_go(self) -> bool:
        """Whether nothing keeps the stack from being deployed so."""
        return not (self.errors or self.missing or any(violation.mandatory for violation in self.violations))

    def to_json(self) -> dict[str, Any]:
        """As `fleet preview --json` prints it."""
        return {
            "stack": self.stack,
            "may_go": self.may_go,
            "errors": list(self.errors),
            "violations": [violation.model_dump() for violation in self.violations],
            "missing": [secret.to_json() for secret in self.missing],
            "counts": dict(self.changes.counts),
            **asdict(self.changes),
            **self.comparison.to_json(),
        }


def read(stack: str, project: Path, environment: Mapping[str, str], base: Base | None = None) -> Preview:
    """Preview a stack.

    Whatever goes wrong with the stack is part of the result: its reviewers are to see it.

    Args:
        project: the project's folder.
        environment: the whole environment of the command, as `project.environment` returns it.
        base: what tools and costs are compared with; None compares them with nothing.

    Raises:
        FleetError: the Pulumi CLI is missing.
    """
    log = _ask_engine(stack, project, environment)
    missing, errors = _missing_secrets(stack, stack_file(project, stack))
    return Preview(
        stack=stack,
        errors=log.errors or errors,
        violations=log.violations,
        missing=missing,
        changes=preview_changes.changes(log),
        plan=preview_plan.plan(stack, log, code=preview_plan.code_of(project)),
        comparison=comparison.compare(stack, project, base, datetime.now(UTC).date()),
    )


def _ask_engine(stack: str, project: Path, environment: Mapping[str, str]) -> preview_log.PreviewLog:
    command = ["pulumi", "preview", "--json", "--color", "never", "--non-interactive", "--stack", stack]
    try:
        run = subprocess.run(
            [*command, "--policy-pack", POLICY_PACK],
            cwd=project,
            env={**environment, "PULUMI_ENABLE_STREAMING_JSON_PREVIEW": "true"},
            capture_output=True,
            text=True,
            errors="replace",
            check=False,
        )
    except FileNotFoundError:
        raise pulumi_cli.missing() from None
    return preview_log.read(run.stdout.splitlines(), failed=run.returncode != 0, stderr=run.stderr)


def _missing_secrets(stack: str, file: Path) -> tuple[tuple[Secret, ...], tuple[str, ...]]:
    """The secrets to set; why they can't be told where the stack's file won't do."""
    if not file.is_file():
        return (), (f"there is no {file.name}",)
    try:
        found = stack_secrets.read(stack, file)
    except FleetError as error:
        return (), tuple(str(error).splitlines())
    return tuple(secret for secret in found if secret.state is State.MISSING), ()
