"""Rules on data at rest: volumes and buckets are encrypted."""

from collections.abc import Iterator

from pulumi_policy import PolicyResource, ResourceValidationArgs

from .resource_types import AWS_BUCKET_ENCRYPTIONS, AWS_BUCKETS, AWS_INSTANCE, AWS_LAUNCH_TEMPLATE, AWS_VOLUME
from .rule import Properties, block, listed, rule, stack_rule


def _plain_volumes(args: ResourceValidationArgs) -> Iterator[str]:
    for where, volume in _volumes(args):
        # A launch template has its booleans as texts.
        if volume.get("encrypted") not in (True, "true"):
            yield f"{where} is not encrypted; set its `encrypted`, and a `kmsKeyId` of ours"


def _volumes(args: ResourceValidationArgs) -> Iterator[tuple[str, Properties]]:
    props = args.props
    if args.resource_type == AWS_VOLUME:
        yield "volume", props
    elif args.resource_type == AWS_INSTANCE:
        # With a launch template, that says what the root volume is.
        if "rootBlockDevice" in props or "launchTemplate" not in props:
            yield "rootBlockDevice", block(props, "rootBlockDevice")
        for number, device in enumerate(listed(props, "ebsBlockDevices")):
            yield f"ebsBlockDevices[{number}]", device
    elif args.resource_type == AWS_LAUNCH_TEMPLATE:
        mappings = listed(props, "blockDeviceMappings")
        for number, mapping in enumerate(mappings):
            if "ebs" in mapping:
                yield f"blockDeviceMappings[{number}].ebs", mapping["ebs"]
        if not mappings:
            yield "the root volume, of which blockDeviceMappings says nothing,", {}


def _plain_buckets(resources: list[PolicyResource]) -> Iterator[tuple[str, PolicyResource]]:
    buckets = [resource for resource in resources if resource.resource_type in AWS_BUCKETS]
    encryptions = [resource for resource in resources if resource.resource_type in AWS_BUCKET_ENCRYPTIONS]
    # By URN: the name of a bucket that is still to be made is not known.
    encrypted = {bucket.urn for found in encryptions for bucket in found.property_dependencies.get("bucket", ())}
    named = {found.props["bucket"] for found in encryptions if not found.property_dependencies.get("bucket")}
    for bucket in buckets:
        if bucket.urn not in encrypted and not (named and bucket.props.get("bucket") in named):
            yield "has no BucketServerSideEncryptionConfiguration: add one with a key of ours", bucket


RULES = (
    rule("volumes-encrypted", "Every EBS volume is encrypted.", _plain_volumes),
    stack_rule("buckets-encrypted", "Every S3 bucket says how it is encrypted.", _plain_buckets),
)
