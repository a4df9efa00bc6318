"""Machines that an interrupted run left and no state knows of: a destroy ends them before what they use.

This is made after everything that a machine needs and before the machines, so it is deleted between them.
"""

from typing import Any

import pulumi
from pulumi import dynamic

from components.providers.plain_errors import in_one_sentence

from .api import LambdaLabs
from .base import Provider, plain, say
from .models import GONE
from .termination import look_again, terminate

CLAIM_TAG = "mcp-fleet:claim"


class LeftoversProvider(Provider):
    """Makes nothing, and ends machines by their tag."""

    def check(self, olds: dict[str, Any], news: dict[str, Any]) -> dynamic.CheckResult:
        """Refuse nothing but missing settings."""
        return self.checked(news, [])

    def create(self, props: dict[str, Any]) -> dynamic.CreateResult:
        """Make nothing."""
        return dynamic.CreateResult(props["mark"], plain(props))

    def diff(self, id_: str, olds: dict[str, Any], news: dict[str, Any]) -> dynamic.DiffResult:
        """Belong to one claim for ever."""
        replaces = ["mark"] if olds.get("mark") != plain(news)["mark"] else []
        return dynamic.DiffResult(bool(replaces), replaces)

    def read(self, id_: str, props: dict[str, Any]) -> dynamic.ReadResult:
        """Return what the state has: it is nowhere else."""
        return dynamic.ReadResult(id_, plain(props))

    @in_one_sentence
    def delete(self, id_: str, props: dict[str, Any]) -> None:
        """End every machine that still has the claim's tag."""
        end_machines(self.account(), id_)


class Leftovers(dynamic.Resource, module="lambda-labs", name="Leftovers"):
    """The machines with `mark` that no other resource stands for."""

    def __init__(self, name: str, mark: pulumi.Input[str], opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__(LeftoversProvider(), name, {"mark": mark}, opts)


def end_machines(api: LambdaLabs, mark: str) -> None:
    """End the machines with `mark`; looks twice, as one may have been launched a moment ago and not be listed yet."""
    for last in (False, True):
        found = [item.id for item in api.instances() if item.tagged({CLAIM_TAG: mark}) and item.status not in GONE]
        if found:
            say(f"{mark}: terminating what an interrupted run left: {', '.join(found)}")
        terminate(api, found)
        if not last:
            look_again(api)
