"""The aws provider: its resource types in one account."""

import os
from collections.abc import Mapping
from functools import partial
from typing import Any, Final

from dev.plugins.aws.account import Account
from dev.plugins.aws.images import REGISTRY_LOGIN, registry_login
from dev.plugins.aws.tables import TYPES, resources
from dev.plugins.resource import Function, OperationError, Resource
from dev.plugins.schema import Block, boolean, listing, string

SERVICES: Final = ("acm", "budgets", "ec2", "ecr", "elbv2", "iam", "kms", "route53", "s3", "sts")

ENDPOINT_VARIABLE: Final = "AWS_ENDPOINT_URL"
"""Where all services are: https://docs.aws.amazon.com/sdkref/latest/guide/feature-ss-endpoints.html"""

CONFIG: Final = Block.of(
    region=string(required=True),
    accessKey=string(sensitive=True),
    secretKey=string(sensitive=True),
    endpoints=listing(Block({service: string() for service in SERVICES})),
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
        """None: nothing of an environment is kept in a state."""
        return {}

    def configure(self, config: Mapping[str, Any]) -> Mapping[str, Resource]:
        """The resource types in the account behind the endpoints; nothing is asked yet.

        As the real plugin, it takes from the environment what the program does not give.

        Raises:
            OperationError: There are no credentials, or a service has no endpoint.
        """
        named = {service: url for part in config.get("endpoints") or [] for service, url in part.items()}
        everywhere = os.environ.get(ENDPOINT_VARIABLE)
        endpoints = {**(dict.fromkeys(SERVICES, everywhere) if everywhere else {}), **named}
        if missing := sorted(set(SERVICES) - endpoints.keys()):
            raise OperationError(
                f"endpoints: {', '.join(missing)} missing, and {ENDPOINT_VARIABLE} is not set; this stand-in for "
                f"pulumi-resource-aws {self.version} works on a moto server only, and makes nothing in a real account; "
                "install the real plugin for that"
            )
        account = Account(config["region"], *_credentials(config), endpoints)
        self.functions = {REGISTRY_LOGIN: partial(registry_login, account)}
        return resources(account)


def _credentials(config: Mapping[str, Any]) -> tuple[str, str]:
    given = (
        config.get("accessKey") or os.environ.get("AWS_ACCESS_KEY_ID"),
        config.get("secretKey") or os.environ.get("AWS_SECRET_ACCESS_KEY"),
    )
    if not (given[0] and given[1]):
        raise OperationError("No valid credential sources found")
    return given[0], given[1]
