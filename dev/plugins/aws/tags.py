"""Tags, in the forms that services of AWS have for them."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from dev.plugins.aws.account import Account
from dev.plugins.planning import State

Tag = Mapping[str, str]


def pairs(state: State) -> list[dict[str, str]]:
    """The tags of a resource as most services take them."""
    return [{"Key": key, "Value": value} for key, value in sorted((state.get("tags") or {}).items())]


def mapped(tags: Iterable[Tag] | None) -> dict[str, str]:
    """The tags that a service reports, as a program gives them."""
    return {tag["Key"]: tag["Value"] for tag in tags or ()}


def removed(state: State, planned: State) -> list[str]:
    """The names of tags that a resource loses."""
    return sorted((state.get("tags") or {}).keys() - (planned.get("tags") or {}).keys())


def specification(kind: str, state: State) -> Sequence[Mapping[str, Any]]:
    """The tags as EC2 takes them where it makes something."""
    found = pairs(state)
    return [{"ResourceType": kind, "Tags": found}] if found else []


def retag(account: Account, id_: str, state: State, planned: State) -> None:
    """Changes the tags of something of EC2's."""
    if gone := removed(state, planned):
        account.ask("ec2", "delete_tags", Resources=[id_], Tags=[{"Key": key} for key in gone])
    if pairs(planned):
        account.ask("ec2", "create_tags", Resources=[id_], Tags=pairs(planned))
