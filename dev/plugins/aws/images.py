"""Repositories of ECR, and the login there."""

import base64
from collections.abc import Mapping
from typing import Any, Final

from dev.plugins.aws import tags
from dev.plugins.aws.account import Account
from dev.plugins.aws.documents import document
from dev.plugins.aws.resource_type import ResourceType
from dev.plugins.planning import State
from dev.plugins.resource import OperationError
from dev.plugins.schema import Block, boolean, listing, mapping, nested, string

REGISTRY_LOGIN: Final = "aws:ecr/getAuthorizationToken:getAuthorizationToken"


def _create(account: Account, planned: State) -> str:
    (encryption,) = planned["encryptionConfigurations"]
    account.ask(
        "ecr",
        "create_repository",
        repositoryName=planned["name"],
        imageTagMutability=planned["imageTagMutability"],
        imageScanningConfiguration=planned["imageScanningConfiguration"],
        encryptionConfiguration=encryption,
        tags=tags.pairs(planned),
    )
    return str(planned["name"])


def _tell(account: Account, id_: str, _state: State) -> Mapping[str, Any]:
    (repository,) = account.ask("ecr", "describe_repositories", repositoryNames=[id_])["repositories"]
    labels = account.ask("ecr", "list_tags_for_resource", resourceArn=repository["repositoryArn"])["tags"]
    return {
        "name": repository["repositoryName"],
        "arn": repository["repositoryArn"],
        "repositoryUrl": repository["repositoryUri"],
        "imageTagMutability": repository["imageTagMutability"],
        "imageScanningConfiguration": repository["imageScanningConfiguration"],
        "encryptionConfigurations": [repository["encryptionConfiguration"]],
        "tags": tags.mapped(labels),
    }


def _update(account: Account, id_: str, state: State, planned: State) -> None:
    if gone := tags.removed(state, planned):
        account.ask("ecr", "untag_resource", resourceArn=state["arn"], tagKeys=gone)
    account.ask("ecr", "tag_resource", resourceArn=state["arn"], tags=tags.pairs(planned))
    account.ask("ecr", "put_image_tag_mutability", repositoryName=id_, imageTagMutability=planned["imageTagMutability"])
    scanning = planned["imageScanningConfiguration"]
    account.ask("ecr", "put_image_scanning_configuration", repositoryName=id_, imageScanningConfiguration=scanning)


def _delete(account: Account, id_: str, state: State) -> None:
    account.ask("ecr", "delete_repository", repositoryName=id_, force=state["forceDelete"])


def registry_login(account: Account, arguments: Mapping[str, Any]) -> State:
    """Return a login that is good for twelve hours.

    Source: https://www.pulumi.com/registry/packages/aws/api-docs/ecr/getauthorizationtoken/

    Raises:
        OperationError: It was asked for another registry than the account's own.
    """
    if arguments:
        raise OperationError(f"getAuthorizationToken: this stand-in takes no {', '.join(sorted(arguments))}")
    (found,) = account.ask("ecr", "get_authorization_token")["authorizationData"]
    user, _, password = base64.b64decode(found["authorizationToken"]).decode().partition(":")
    return {
        "id": account.region,
        "region": account.region,
        "authorizationToken": found["authorizationToken"],
        "expiresAt": found["expiresAt"].isoformat(),
        "proxyEndpoint": found["proxyEndpoint"],
        "userName": user,
        "password": password,
    }


REPOSITORY: Final = ResourceType(
    block=Block.of(
        name=string(required=True, replaces=True),
        arn=string(output=True),
        repositoryUrl=string(output=True),
        imageTagMutability=string(default="MUTABLE"),
        imageScanningConfiguration=nested(Block.of(scanOnPush=boolean(required=True)), required=True),
        encryptionConfigurations=listing(
            Block.of(encryptionType=string(required=True, replaces=True), kmsKey=string(required=True, replaces=True)),
            required=True,
            replaces=True,
        ),
        forceDelete=boolean(default=False),
        tags=mapping(),
    ),
    create=_create,
    tell=_tell,
    update=_update,
    updated=frozenset({"imageTagMutability", "imageScanningConfiguration", "forceDelete", "tags"}),
    delete=_delete,
    gone=frozenset({"RepositoryNotFoundException"}),
)


def _create_policy(account: Account, planned: State) -> str:
    name = str(planned["repository"])
    account.ask("ecr", "put_lifecycle_policy", repositoryName=name, lifecyclePolicyText=planned["policy"])
    return name


def _tell_policy(account: Account, id_: str, _state: State) -> Mapping[str, Any]:
    policy = account.ask("ecr", "get_lifecycle_policy", repositoryName=id_)
    return {"repository": policy["repositoryName"], "policy": policy["lifecyclePolicyText"]}


def _update_policy(account: Account, _id: str, _state: State, planned: State) -> None:
    _create_policy(account, planned)


def _delete_policy(account: Account, id_: str, _state: State) -> None:
    account.ask("ecr", "delete_lifecycle_policy", repositoryName=id_)


LIFECYCLE_POLICY: Final = ResourceType(
    block=Block.of(repository=string(required=True, replaces=True), policy=document()),
    create=_create_policy,
    tell=_tell_policy,
    update=_update_policy,
    updated=frozenset({"policy"}),
    delete=_delete_policy,
    gone=frozenset({"RepositoryNotFoundException", "LifecyclePolicyNotFoundException"}),
)
