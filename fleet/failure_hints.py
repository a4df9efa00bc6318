"""What to do about a failure, by what Pulumi said of it."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from dev.errors import EngineError
from fleet.errors import FleetError
from stacks.aws_remedies import sentences

_LOCK: Final = re.compile(r"created by (?P<who>\S+) \(pid (?P<pid>\d+)\) at (?P<since>\S+)")
"""Source: https://github.com/pulumi/pulumi/blob/master/pkg/backend/diy/lock.go"""
_LOCKED: Final = ("currently locked by", "Another update is currently in progress")
"""A state in files, and one at Pulumi Cloud."""
KEPT: Final = "What was done so far is kept: the same command goes on from there"


def hint(stack: str, said: str) -> str:
    """Return what to do about a failed operation on a stack, of which Pulumi `said` why."""
    return known_hint(stack, said) or f"the reason stands above; `fleet status --stack {stack}`"


def known_hint(stack: str, said: str) -> str | None:
    """Return what to do about a failed operation on a stack, of which Pulumi `said` why; None if nobody knows."""
    if any(words in said for words in _LOCKED):
        return _locked(stack, said)
    known = sentences(said)
    return ". ".join([*known, KEPT]) if known else None


@contextmanager
def explained(stack: str) -> Iterator[None]:
    """Have what fails say what to do about it.

    Raises:
        FleetError: In place of an EngineError.
    """
    try:
        yield
    except EngineError as error:
        raise FleetError(str(error), hint=known_hint(stack, str(error))) from error


def _locked(stack: str, said: str) -> str:
    holders = [f"{found['who']} (process {found['pid']}), since {found['since']}" for found in _LOCK.finditer(said)]
    who = " and ".join(holders) or "somebody else"
    return (
        f"stack {stack!r} is being changed by {who}: wait until that run ends. If it is no more, "
        f"`pulumi cancel --stack {stack}` unlocks the stack; then run this again"
    )
