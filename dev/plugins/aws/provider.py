"""The aws provider: its resource types in one account."""

from collections.abc import Mapping
from functools import partial
from typing import Any, Final

from dev.plugins.aws.account import Account
from dev.plugins.aws.images import REGISTRY_LOGIN, registry_login
from dev.plugins.aws.tables import TYPES, resources
from dev.plugins.resource import Function, OperationError, Resource
from dev.plugins.schema import Block, boolean, listing, string

SERVICES: Final = ("acm", "budgets", "ec2", "ecr", "elbv2", "iam", "kms", "route53", "s3", "sts")

CONFIG: Final = Block.of(
    region=string(required=True),
    accessKey=string(required=True, sensitive=True),
    secretKey=string(required=True, sensitive=True),
    endpoints=listing(Block({service: string() for service in SERVICES}), required=True),
    skipCredentialsValidation=boolean(),
    skipMetadataApiCheck=boolean(),
    skipRegionValidation=boolean(),
    skipRequestingAccountId=boolean(),
    s3UsePathStyle=boolean(),
)


class AwsProvider:
    """What pulumi-resource-aws offers, as far as components/hosts/aws and stacks/aws_site.py need it."""

    name = "aws"
    version = "7.51.1"
    config: Block = CONFIG
    blocks: Mapping[str, Block] = {token: kind.block for token, kind in TYPES.items()}
    functions: Mapping[str, Function] = {}

    def defaults(self) -> Mapping[str, Any]:
        """None: what the real plugin finds in the environment would lead to AWS itself."""
        return {}

    def configure(self, config: Mapping[str, Any]) -> Mapping[str, Resource]:
        """The resource types in the account behind the endpoints; nothing is asked yet.

        Raises:
            OperationError: A service has no endpoint.
        """
        endpoints = {service: url for part in config.get("endpoints") or [] for service, url in part.items()}
        if missing := sorted(set(SERVICES) - endpoints.keys()):
            raise OperationError(
                f"endpoints: {', '.join(missing)} missing; this stand-in for pulumi-resource-aws {self.version} works "
                "on a moto server only, and makes nothing in a real account; install the real plugin for that"
            )
        account = Account(config["region"], config["accessKey"], config["secretKey"], endpoints)
        self.functions = {REGISTRY_LOGIN: partial(registry_login, account)}
        return resources(account)
