"""Keys of KMS."""

from collections.abc import Mapping
from typing import Any, Final

from dev.plugins.aws import tags
from dev.plugins.aws.account import Account
from dev.plugins.aws.resource_type import ResourceType
from dev.plugins.planning import State
from dev.plugins.schema import Block, boolean, integer, mapping, string

ENDED: Final = "PendingDeletion"


def _create(account: Account, planned: State) -> str:
    answer = account.ask("kms", "create_key", Description=planned["description"], Tags=_labels(planned))
    id_ = str(answer["KeyMetadata"]["KeyId"])
    _rotate(account, id_, planned)
    return id_


def _labels(planned: State) -> list[dict[str, str]]:
    return [{"TagKey": tag["Key"], "TagValue": tag["Value"]} for tag in tags.pairs(planned)]


def _rotate(account: Account, id_: str, planned: State) -> None:
    operation = "enable_key_rotation" if planned["enableKeyRotation"] else "disable_key_rotation"
    account.ask("kms", operation, KeyId=id_)


def _tell(account: Account, id_: str, _state: State) -> Mapping[str, Any] | None:
    key = account.ask("kms", "describe_key", KeyId=id_)["KeyMetadata"]
    if key["KeyState"] == ENDED:
        return None
    labels = account.ask("kms", "list_resource_tags", KeyId=id_)["Tags"]
    return {
        "arn": key["Arn"],
        "description": key["Description"],
        "enableKeyRotation": account.ask("kms", "get_key_rotation_status", KeyId=id_)["KeyRotationEnabled"],
        "tags": {tag["TagKey"]: tag["TagValue"] for tag in labels},
    }


def _update(account: Account, id_: str, state: State, planned: State) -> None:
    if gone := tags.removed(state, planned):
        account.ask("kms", "untag_resource", KeyId=id_, TagKeys=gone)
    account.ask("kms", "tag_resource", KeyId=id_, Tags=_labels(planned))
    account.ask("kms", "update_key_description", KeyId=id_, Description=planned["description"])
    _rotate(account, id_, planned)


def _delete(account: Account, id_: str, state: State) -> None:
    account.ask("kms", "schedule_key_deletion", KeyId=id_, PendingWindowInDays=state["deletionWindowInDays"])


KEY: Final = ResourceType(
    block=Block.of(
        arn=string(output=True),
        description=string(required=True),
        enableKeyRotation=boolean(default=False),
        deletionWindowInDays=integer(default=30),
        tags=mapping(),
    ),
    create=_create,
    tell=_tell,
    update=_update,
    updated=frozenset({"description", "enableKeyRotation", "deletionWindowInDays", "tags"}),
    delete=_delete,
    gone=frozenset({"NotFoundException"}),
)
