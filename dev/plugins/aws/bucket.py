"""Buckets of S3 and what is said of them, each a resource of its own."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

from dev.plugins.aws import tags
from dev.plugins.aws.account import Account, AwsError
from dev.plugins.aws.documents import document
from dev.plugins.aws.resource_type import ResourceType
from dev.plugins.planning import State
from dev.plugins.schema import Block, Field, boolean, integer, listing, mapping, nested, string
from dev.plugins.values import PropertyValue

FIRST_REGION: Final = "us-east-1"
"""The one that a bucket is in when no region is named, and that may not be named."""
SPELLED: Final = {"id": "ID", "sseAlgorithm": "SSEAlgorithm", "kmsMasterKeyId": "KMSMasterKeyID"}
"""Where S3's name of a property isn't the program's with another first letter."""
OURS: Final = {theirs: ours for ours, theirs in SPELLED.items()}


def theirs(value: PropertyValue) -> PropertyValue:
    """A nested property under S3's names."""
    if isinstance(value, Mapping):
        return {SPELLED.get(key, key[0].upper() + key[1:]): theirs(item) for key, item in value.items()}
    return [theirs(item) for item in value] if isinstance(value, list) else value


def ours(value: PropertyValue) -> PropertyValue:
    """What S3 reports, under the program's names."""
    if isinstance(value, Mapping):
        return {OURS.get(key, key[0].lower() + key[1:]): ours(item) for key, item in value.items()}
    return [ours(item) for item in value] if isinstance(value, list) else value


def _create(account: Account, planned: State) -> str:
    where = {"CreateBucketConfiguration": {"LocationConstraint": account.region}}
    name = str(planned["bucket"])
    account.ask("s3", "create_bucket", Bucket=name, **({} if account.region == FIRST_REGION else where))
    _retag(account, name, {}, planned)
    return name


def _retag(account: Account, id_: str, _state: State, planned: State) -> None:
    if planned.get("tags"):
        account.ask("s3", "put_bucket_tagging", Bucket=id_, Tagging={"TagSet": tags.pairs(planned)})
    else:
        account.ask("s3", "delete_bucket_tagging", Bucket=id_)


def _tell(account: Account, id_: str, state: State) -> Mapping[str, Any]:
    account.ask("s3", "head_bucket", Bucket=id_)
    labels = _labels(account, id_) if state.get("tags") else {}
    return {"bucket": id_, "arn": f"arn:aws:s3:::{id_}", "tags": labels}


def _labels(account: Account, id_: str) -> dict[str, str]:
    """Its tags. It has none where whoever made it was killed before it gave it some."""
    try:
        return tags.mapped(account.ask("s3", "get_bucket_tagging", Bucket=id_)["TagSet"])
    except AwsError as error:
        if error.code != "NoSuchTagSet":
            raise
        return {}


def _delete(account: Account, id_: str, _state: State) -> None:
    account.ask("s3", "delete_bucket", Bucket=id_)


BUCKET: Final = ResourceType(
    block=Block.of(bucket=string(required=True, replaces=True), arn=string(output=True), tags=mapping()),
    create=_create,
    tell=_tell,
    update=_retag,
    updated=frozenset({"tags"}),
    delete=_delete,
    gone=frozenset({"404", "NoSuchBucket"}),
)


def _said_of_a_bucket(
    fields: Mapping[str, Field],
    *,
    put: Callable[[Account, str, State], object],
    get: Callable[[Account, str], Mapping[str, Any]],
    end: Callable[[Account, str], object],
    gone: Sequence[str] = (),
) -> ResourceType:
    """The type of a property of a bucket that is a resource of its own; its id is the bucket's name."""

    def create(account: Account, planned: State) -> str:
        put(account, planned["bucket"], planned)
        return str(planned["bucket"])

    def tell(account: Account, id_: str, _state: State) -> Mapping[str, Any]:
        return {"bucket": id_, **get(account, id_)}

    def update(account: Account, id_: str, _state: State, planned: State) -> None:
        put(account, id_, planned)

    def delete(account: Account, id_: str, _state: State) -> None:
        end(account, id_)

    return ResourceType(
        block=Block({"bucket": string(required=True, replaces=True), **fields}),
        create=create,
        tell=tell,
        update=update,
        updated=frozenset(fields),
        delete=delete,
        gone=frozenset({"NoSuchBucket", *gone}),
    )


_BLOCKS: Final = ("blockPublicAcls", "blockPublicPolicy", "ignorePublicAcls", "restrictPublicBuckets")

PUBLIC_ACCESS_BLOCK: Final = _said_of_a_bucket(
    {name: boolean(default=False) for name in _BLOCKS},
    put=lambda account, bucket, planned: account.ask(
        "s3",
        "put_public_access_block",
        Bucket=bucket,
        PublicAccessBlockConfiguration=theirs({name: planned[name] for name in _BLOCKS}),
    ),
    get=lambda account, bucket: ours(
        account.ask("s3", "get_public_access_block", Bucket=bucket)["PublicAccessBlockConfiguration"]
    ),
    end=lambda account, bucket: account.ask("s3", "delete_public_access_block", Bucket=bucket),
    gone=["NoSuchPublicAccessBlockConfiguration"],
)


def _put_versioning(account: Account, bucket: str, status: str) -> None:
    account.ask("s3", "put_bucket_versioning", Bucket=bucket, VersioningConfiguration={"Status": status})


VERSIONING: Final = _said_of_a_bucket(
    {"versioningConfiguration": nested(Block.of(status=string(required=True)), required=True)},
    put=lambda account, bucket, planned: _put_versioning(account, bucket, planned["versioningConfiguration"]["status"]),
    get=lambda account, bucket: {
        "versioningConfiguration": {"status": account.ask("s3", "get_bucket_versioning", Bucket=bucket).get("Status")}
    },
    end=lambda account, bucket: _put_versioning(account, bucket, "Suspended"),  # it can't be taken back
)

ENCRYPTION: Final = _said_of_a_bucket(
    {
        "rules": listing(
            Block.of(
                applyServerSideEncryptionByDefault=nested(
                    Block.of(sseAlgorithm=string(required=True), kmsMasterKeyId=string()), required=True
                ),
                bucketKeyEnabled=boolean(default=False),
            ),
            required=True,
        )
    },
    put=lambda account, bucket, planned: account.ask(
        "s3",
        "put_bucket_encryption",
        Bucket=bucket,
        ServerSideEncryptionConfiguration={"Rules": theirs(planned["rules"])},
    ),
    get=lambda account, bucket: ours(
        account.ask("s3", "get_bucket_encryption", Bucket=bucket)["ServerSideEncryptionConfiguration"]
    ),
    end=lambda account, bucket: account.ask("s3", "delete_bucket_encryption", Bucket=bucket),
    gone=["ServerSideEncryptionConfigurationNotFoundError"],
)

POLICY: Final = _said_of_a_bucket(
    {"policy": document()},
    put=lambda account, bucket, planned: account.ask(
        "s3", "put_bucket_policy", Bucket=bucket, Policy=planned["policy"]
    ),
    get=lambda account, bucket: {"policy": account.ask("s3", "get_bucket_policy", Bucket=bucket)["Policy"]},
    end=lambda account, bucket: account.ask("s3", "delete_bucket_policy", Bucket=bucket),
    gone=["NoSuchBucketPolicy"],
)

_RULE: Final = Block.of(
    id=string(required=True),
    status=string(required=True),
    filter=nested(Block.of(prefix=string()), required=True),
    expiration=nested(Block.of(days=integer(required=True)), required=True),
    noncurrentVersionExpiration=nested(Block.of(noncurrentDays=integer(required=True)), required=True),
    abortIncompleteMultipartUpload=nested(Block.of(daysAfterInitiation=integer(required=True)), required=True),
)

LIFECYCLE: Final = _said_of_a_bucket(
    {"rules": listing(_RULE, required=True)},
    put=lambda account, bucket, planned: account.ask(
        "s3",
        "put_bucket_lifecycle_configuration",
        Bucket=bucket,
        LifecycleConfiguration={"Rules": theirs(planned["rules"])},
    ),
    get=lambda account, bucket: {
        "rules": ours(account.ask("s3", "get_bucket_lifecycle_configuration", Bucket=bucket)["Rules"])
    },
    end=lambda account, bucket: account.ask("s3", "delete_bucket_lifecycle", Bucket=bucket),
    gone=["NoSuchLifecycleConfiguration"],
)
