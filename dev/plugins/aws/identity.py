"""Roles of IAM and instance profiles."""

from collections.abc import Mapping
from typing import Any, Final

from dev.plugins.aws import tags
from dev.plugins.aws.account import Account
from dev.plugins.aws.documents import document, text_of
from dev.plugins.aws.network import TAGS
from dev.plugins.aws.resource_type import ResourceType
from dev.plugins.planning import State
from dev.plugins.schema import Block, mapping, string

GONE: Final = frozenset({"NoSuchEntity"})


def _create_role(account: Account, planned: State) -> str:
    account.ask(
        "iam",
        "create_role",
        RoleName=planned["name"],
        AssumeRolePolicyDocument=planned["assumeRolePolicy"],
        Tags=tags.pairs(planned),
    )
    return str(planned["name"])


def _tell_role(account: Account, id_: str, _state: State) -> Mapping[str, Any]:
    role = account.ask("iam", "get_role", RoleName=id_)["Role"]
    return {
        "name": role["RoleName"],
        "arn": role["Arn"],
        "assumeRolePolicy": text_of(role["AssumeRolePolicyDocument"]),
        "tags": tags.mapped(role.get("Tags")),
    }


def _update_role(account: Account, id_: str, state: State, planned: State) -> None:
    account.ask("iam", "update_assume_role_policy", RoleName=id_, PolicyDocument=planned["assumeRolePolicy"])
    if gone := tags.removed(state, planned):
        account.ask("iam", "untag_role", RoleName=id_, TagKeys=gone)
    account.ask("iam", "tag_role", RoleName=id_, Tags=tags.pairs(planned))


def _delete_role(account: Account, id_: str, _state: State) -> None:
    account.ask("iam", "delete_role", RoleName=id_)


ROLE: Final = ResourceType(
    block=Block.of(
        name=string(required=True, replaces=True), arn=string(output=True), assumeRolePolicy=document(), tags=mapping()
    ),
    create=_create_role,
    tell=_tell_role,
    update=_update_role,
    updated=TAGS | {"assumeRolePolicy"},
    delete=_delete_role,
    gone=GONE,
)


def _names(id_: str) -> Mapping[str, str]:
    role, _, policy = id_.partition(":")
    return {"RoleName": role, "PolicyName": policy}


def _create_policy(account: Account, planned: State) -> str:
    id_ = f"{planned['role']}:{planned['name']}"
    account.ask("iam", "put_role_policy", **_names(id_), PolicyDocument=planned["policy"])
    return id_


def _tell_policy(account: Account, id_: str, _state: State) -> Mapping[str, Any]:
    policy = account.ask("iam", "get_role_policy", **_names(id_))
    return {
        "role": policy["RoleName"],
        "name": policy["PolicyName"],
        "policy": text_of(policy["PolicyDocument"]),
    }


def _update_policy(account: Account, id_: str, _state: State, planned: State) -> None:
    account.ask("iam", "put_role_policy", **_names(id_), PolicyDocument=planned["policy"])


def _delete_policy(account: Account, id_: str, _state: State) -> None:
    account.ask("iam", "delete_role_policy", **_names(id_))


ROLE_POLICY: Final = ResourceType(
    block=Block.of(
        name=string(required=True, replaces=True), role=string(required=True, replaces=True), policy=document()
    ),
    create=_create_policy,
    tell=_tell_policy,
    update=_update_policy,
    updated=frozenset({"policy"}),
    delete=_delete_policy,
    gone=GONE,
)


def _create_profile(account: Account, planned: State) -> str:
    name = planned["name"]
    account.ask("iam", "create_instance_profile", InstanceProfileName=name, Tags=tags.pairs(planned))
    _change_role(account, name, {}, planned)
    return str(name)


def _change_role(account: Account, name: str, state: State, planned: State) -> None:
    """It has none where whoever made it was killed before it gave it one."""
    had, wanted = state.get("role"), planned.get("role")
    if had and had != wanted:
        account.ask("iam", "remove_role_from_instance_profile", InstanceProfileName=name, RoleName=had)
    if wanted and had != wanted:
        account.ask("iam", "add_role_to_instance_profile", InstanceProfileName=name, RoleName=wanted)


def _tell_profile(account: Account, id_: str, _state: State) -> Mapping[str, Any]:
    profile = account.ask("iam", "get_instance_profile", InstanceProfileName=id_)["InstanceProfile"]
    return {
        "name": profile["InstanceProfileName"],
        "role": next((role["RoleName"] for role in profile["Roles"]), ""),
        "tags": tags.mapped(profile.get("Tags")),
    }


def _update_profile(account: Account, id_: str, state: State, planned: State) -> None:
    if gone := tags.removed(state, planned):
        account.ask("iam", "untag_instance_profile", InstanceProfileName=id_, TagKeys=gone)
    account.ask("iam", "tag_instance_profile", InstanceProfileName=id_, Tags=tags.pairs(planned))
    _change_role(account, id_, state, planned)


def _delete_profile(account: Account, id_: str, state: State) -> None:
    _change_role(account, id_, state, {})
    account.ask("iam", "delete_instance_profile", InstanceProfileName=id_)


INSTANCE_PROFILE: Final = ResourceType(
    block=Block.of(name=string(required=True, replaces=True), role=string(required=True), tags=mapping()),
    create=_create_profile,
    tell=_tell_profile,
    update=_update_profile,
    updated=TAGS | {"role"},
    delete=_delete_profile,
    gone=GONE,
)
