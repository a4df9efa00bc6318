"""The rule on tags: whose a resource is that costs money or holds data."""

from collections.abc import Iterator

from pulumi_policy import ResourceValidationArgs

from .resource_types import AWS_BUCKETS, AWS_INSTANCE, AWS_KEY, AWS_REPOSITORY, AWS_VOLUME, DOCKER_SERVICE
from .rule import block, listed, rule

STACK_TAG = "mcp-fleet.stack"
TAGGED = (
    *AWS_BUCKETS,
    AWS_INSTANCE,
    AWS_KEY,
    AWS_REPOSITORY,
    AWS_VOLUME,
    "aws:ec2/eip:Eip",
    "aws:ec2/natGateway:NatGateway",
    "aws:ec2/vpc:Vpc",
    "aws:lb/loadBalancer:LoadBalancer",
)


def _untagged(args: ResourceValidationArgs) -> Iterator[str]:
    if args.resource_type in TAGGED:
        # `tagsAll` has what the provider's defaultTags add.
        tags = {**block(args.props, "tagsAll"), **block(args.props, "tags")}
    elif args.resource_type == DOCKER_SERVICE:
        tags = {label["label"]: label["value"] for label in listed(args.props, "labels")}
    else:
        return
    for key in args.get_config().get("keys", (STACK_TAG,)):
        if not tags.get(key):
            yield f"has no tag {key!r}: nobody can tell whose it is, nor what a stack costs"


RULES = (
    rule(
        "tags",
        "What costs money or holds data says whose it is.",
        _untagged,
        config={"keys": {"type": "array", "items": {"type": "string"}, "default": [STACK_TAG]}},
    ),
)
