"""What marks everything that one component made in an account as its own, and takes all of it away in the end.

A claim is in Pulumi's state before anything is asked for. Whatever an interrupted run leaves behind has the claim's
mark, so that the next run finds it. A destroy finds it too: first `leftovers`, then the claim, which goes last.
"""

import re
import secrets
from typing import Any

import pulumi
from pulumi import dynamic

from components.providers.plain_errors import in_one_sentence

from .api import LambdaLabs
from .base import Provider, plain, unknown

LABEL = re.compile(r"[a-z][a-z0-9-]{0,23}")
"""Leaves room for a mark's random half in the names of file systems, which have 60 characters."""


class ClaimProvider(Provider):
    """Makes a mark that no other stack has, and ends all that has it."""

    @in_one_sentence
    def check(self, olds: dict[str, Any], news: dict[str, Any]) -> dynamic.CheckResult:
        """Refuse a label that can't be part of a name."""
        label = plain(news)["label"]
        wrong = not unknown(label) and not LABEL.fullmatch(str(label))
        problem = f"label {label!r} must begin with a lower-case letter and have up to 24 of a-z, 0-9 and -"
        return self.checked(news, [problem] if wrong else [])

    def create(self, props: dict[str, Any]) -> dynamic.CreateResult:
        """Make the mark. Nothing exists in the account yet, so that an interruption leaves nothing."""
        mark = f"{props['label']}-{secrets.token_hex(8)}"
        return dynamic.CreateResult(mark, {**plain(props), "mark": mark, "key": secrets.token_hex(16)})

    def diff(self, id_: str, olds: dict[str, Any], news: dict[str, Any]) -> dynamic.DiffResult:
        """Never change: the label is only for people, and machines can't be marked anew."""
        return dynamic.DiffResult(changes=False)

    def read(self, id_: str, props: dict[str, Any]) -> dynamic.ReadResult:
        """Return what the state has: it is nowhere else."""
        return dynamic.ReadResult(id_, plain(props))

    @in_one_sentence
    def delete(self, id_: str, props: dict[str, Any]) -> None:
        """Delete what still has the mark, except file systems, which may hold data."""
        sweep(self.account(), id_)


class Claim(dynamic.Resource, module="lambda-labs", name="Claim"):
    """A mark, unique in the world: `mark` for names and tags, `key` (secret) for fingerprints."""

    mark: pulumi.Output[str]
    key: pulumi.Output[str]

    def __init__(self, name: str, label: pulumi.Input[str], opts: pulumi.ResourceOptions | None = None) -> None:
        secret = pulumi.ResourceOptions(additional_secret_outputs=["key"])
        properties = {"label": label, "mark": None, "key": None}
        super().__init__(ClaimProvider(), name, properties, pulumi.ResourceOptions.merge(opts, secret))


def named(mark: str, name: str) -> bool:
    """Whether something of this name has the mark."""
    return name == mark or name.startswith(f"{mark}-")


def sweep(api: LambdaLabs, mark: str) -> None:
    """Delete the rule sets and SSH keys with `mark`."""
    for ruleset in api.rulesets():
        if named(mark, ruleset.name):
            api.delete_ruleset(ruleset.id)
    for key in api.ssh_keys():
        if named(mark, key.name):
            api.delete_ssh_key(key.id)
