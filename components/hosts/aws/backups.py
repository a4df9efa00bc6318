"""Where a fleet on AWS keeps its backups."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import pulumi
from pulumi_aws import s3

from .role import document

UPLOAD_DAYS = 7


@dataclass(frozen=True, kw_only=True)
class AwsBackupsArgs:
    """Arguments of AwsBackups.

    Arguments:
        bucket: its name, which nobody else in the world may have.
        key: ARN of the key that backups are encrypted with.
        days: how long a backup is kept, and how long one that was overwritten or deleted can be had back.
        protected: whether Pulumi refuses to delete the bucket, even an empty one.
    """

    bucket: str
    key: pulumi.Input[str]
    days: int = 35
    protected: bool = False
    tags: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class AwsBackupsOutputs:
    """Name and ARN of the bucket, once it is private and encrypted."""

    bucket: pulumi.Output[str]
    arn: pulumi.Output[str]


class AwsBackups(pulumi.ComponentResource):
    """A private, versioned, encrypted bucket. Destroying it fails while there are backups in it, as it should."""

    def __init__(self, name: str, args: AwsBackupsArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("mcp-fleet:hosts:AwsBackups", name, {}, opts)
        under_self = pulumi.ResourceOptions(parent=self)
        bucket = s3.Bucket(
            name,
            s3.BucketArgs(bucket=args.bucket, tags=args.tags),
            opts=pulumi.ResourceOptions(parent=self, protect=args.protected),
        )
        closed = s3.BucketPublicAccessBlock(
            name,
            s3.BucketPublicAccessBlockArgs(
                bucket=bucket.id,
                block_public_acls=True,
                block_public_policy=True,
                ignore_public_acls=True,
                restrict_public_buckets=True,
            ),
            opts=under_self,
        )
        versions = s3.BucketVersioning(
            name,
            s3.BucketVersioningInitArgs(
                bucket=bucket.id,
                versioning_configuration=s3.BucketVersioningVersioningConfigurationArgs(status="Enabled"),
            ),
            opts=under_self,
        )
        encryption = s3.BucketServerSideEncryptionConfiguration(
            name,
            s3.BucketServerSideEncryptionConfigurationInitArgs(bucket=bucket.id, rules=[encrypted_with(args.key)]),
            opts=under_self,
        )
        after = pulumi.ResourceOptions(parent=self, depends_on=[closed, versions])  # S3 refuses some that are parallel
        policy = s3.BucketPolicy(
            name,
            s3.BucketPolicyArgs(
                bucket=bucket.id, policy=bucket.arn.apply(lambda arn: document(encrypted_transport(arn)))
            ),
            opts=after,
        )
        s3.BucketLifecycleConfiguration(
            name,
            s3.BucketLifecycleConfigurationArgs(bucket=bucket.id, rules=[expiry(args.days)]),
            opts=after,
        )
        ready = pulumi.Output.all(bucket.bucket, bucket.arn, closed.id, versions.id, encryption.id, policy.id)
        self.outputs = AwsBackupsOutputs(
            bucket=ready.apply(lambda values: str(values[0])), arn=ready.apply(lambda values: str(values[1]))
        )
        self.register_outputs(vars(self.outputs))


def encrypted_with(key: pulumi.Input[str]) -> s3.BucketServerSideEncryptionConfigurationRuleArgs:
    """Return the rule that encrypts every object with a key, asking KMS once for many of them."""
    by_default = s3.BucketServerSideEncryptionConfigurationRuleApplyServerSideEncryptionByDefaultArgs(
        sse_algorithm="aws:kms", kms_master_key_id=key
    )
    return s3.BucketServerSideEncryptionConfigurationRuleArgs(
        apply_server_side_encryption_by_default=by_default, bucket_key_enabled=True
    )


def expiry(days: int) -> s3.BucketLifecycleConfigurationRuleArgs:
    """Return the rule that ends backups after `days`, and their earlier versions as long after."""
    return s3.BucketLifecycleConfigurationRuleArgs(
        id="expire",
        status="Enabled",
        filter=s3.BucketLifecycleConfigurationRuleFilterArgs(prefix=""),
        expiration=s3.BucketLifecycleConfigurationRuleExpirationArgs(days=days),
        noncurrent_version_expiration=s3.BucketLifecycleConfigurationRuleNoncurrentVersionExpirationArgs(
            noncurrent_days=days
        ),
        abort_incomplete_multipart_upload=s3.BucketLifecycleConfigurationRuleAbortIncompleteMultipartUploadArgs(
            days_after_initiation=UPLOAD_DAYS
        ),
    )


def encrypted_transport(bucket: str) -> Sequence[Mapping[str, Any]]:
    """Return the statement that refuses requests without TLS."""
    return [
        {
            "Sid": "EncryptedTransport",
            "Effect": "Deny",
            "Principal": "*",
            "Action": "s3:*",
            "Resource": [bucket, f"{bucket}/*"],
            "Condition": {"Bool": {"aws:SecureTransport": "false"}},
        }
    ]
