"""What to do about a refusal of AWS, by its code.

Sources: https://docs.aws.amazon.com/AWSEC2/latest/APIReference/errors-overview.html, and the lists of errors in the
references of S3, ECR, IAM, KMS, Elastic Load Balancing, Route 53, ACM and Budgets.
"""

import re
from collections.abc import Mapping
from typing import Final

NEW_KEYS: Final = (
    "log in again (`aws sso login`), or set new AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY, AWS_SESSION_TOKEN"
)
_QUOTAS: Final = "https://console.aws.amazon.com/servicequotas/home/services"
_TAKEN: Final = (
    "this stack's state does not know what has this name; if an interrupted run of this stack made it, `fleet deploy` "
    "takes it over; if not, "
)
_BY_CODES: Final[Mapping[tuple[str, ...], str]] = {
    # whose account, and what may be done there
    ("ExpiredToken", "ExpiredTokenException"): f"the credentials have expired; {NEW_KEYS}",
    ("RequestExpired",): f"the credentials have expired, or this machine's clock is wrong; set it, or {NEW_KEYS}",
    ("InvalidClientTokenId", "UnrecognizedClientException", "AuthFailure"): (
        f"AWS does not know these credentials in this region; {NEW_KEYS}, or enable the region for the account"
    ),
    ("SignatureDoesNotMatch",): f"the secret key does not belong to the access key; {NEW_KEYS}",
    ("UnauthorizedOperation", "AccessDenied", "AccessDeniedException"): (
        "these credentials may not do this; have their policy allow it, or use others"
    ),
    ("OptInRequired",): "the account is not subscribed to this; accept the image's terms in AWS Marketplace",
    ("PendingVerification",): "AWS still verifies the account in this region; wait, for up to four hours",
    # no room
    ("InsufficientInstanceCapacity", "InsufficientHostCapacity"): (
        "the zone has no such machine right now; wait, or choose another `type` of the group"
    ),
    ("Unsupported",): "the zone does not have this type of machine; choose another `type` of the group, or other zones",
    ("VcpuLimitExceeded", "InstanceLimitExceeded"): (
        f"the account's quota of machines is used up; ask at {_QUOTAS}/ec2/quotas for more, or choose fewer"
    ),
    ("MaxSpendLimitExceeded",): "the account's spending limit is reached; raise it in the billing console",
    ("VolumeLimitExceeded",): f"the account's quota of disks is used up; ask for more at {_QUOTAS}/ebs/quotas",
    ("VpcLimitExceeded", "InternetGatewayLimitExceeded", "AddressLimitExceeded"): (
        f"the region's quota is used up; remove what is not needed, or ask for more at {_QUOTAS}/vpc/quotas"
    ),
    ("SecurityGroupLimitExceeded",): f"the quota of groups is used up; ask for more at {_QUOTAS}/vpc/quotas",
    ("RulesPerSecurityGroupLimitExceeded",): "the group has too many rules; list fewer networks in `ssh-from`",
    ("TooManyBuckets",): f"the account's quota of buckets is used up; ask for more at {_QUOTAS}/s3/quotas",
    ("TooManyLoadBalancers", "TooManyTargetGroups"): (
        f"the region's quota is used up; ask for more at {_QUOTAS}/elasticloadbalancing/quotas"
    ),
    ("LimitExceededException", "LimitExceeded"): f"a quota of the account is used up; ask for more at {_QUOTAS}",
    ("RequestLimitExceeded", "Throttling", "ThrottlingException"): "the account makes too many requests; wait a minute",
    # names
    ("BucketAlreadyExists",): "somebody else has a bucket of this name; choose another one in `hosts.aws.bucket`",
    ("BucketAlreadyOwnedByYou",): f"{_TAKEN}choose another name in `hosts.aws.bucket`",
    ("OperationAborted",): "S3 still deletes a bucket of this name; wait an hour, or choose another `hosts.aws.bucket`",
    (
        "RepositoryAlreadyExistsException",
        "EntityAlreadyExists",
        "DuplicateLoadBalancerName",
        "DuplicateTargetGroupName",
        "DuplicateListener",
        "DuplicateRecordException",
        "InvalidGroup.Duplicate",
        "InvalidPermission.Duplicate",
    ): f"{_TAKEN}remove it, or give the stack another name",
    ("InvalidChangeBatch",): f"{_TAKEN}remove the record from the zone, or choose another `hosts.aws.domain.name`",
    # what the stack names
    ("InvalidAMIID.NotFound", "InvalidAMIID.Unavailable"): (
        "there is no such image in this region; `aws ec2 describe-images --owners 136693071363` lists Debian's for "
        "`hosts.aws.images`"
    ),
    ("InvalidParameterCombination",): "type and image don't go together; mend `hosts.aws.groups` or `hosts.aws.images`",
    ("NoSuchHostedZone",): "there is no such zone; `aws route53 list-hosted-zones` tells those for `hosts.aws.domain`",
    # what stands in the way of an end
    ("BucketNotEmpty",): "it has backups; delete them, with all their versions, if they are meant to go",
    ("DependencyViolation", "ResourceInUse", "ResourceInUseException"): (
        "something that this stack's state does not know still uses it; find it in the console and remove it"
    ),
}
REMEDIES: Final[Mapping[str, str]] = {code: remedy for codes, remedy in _BY_CODES.items() for code in codes}
"""By code of AWS: what is wrong, and what to do."""
_CODE: Final = re.compile(
    rf"(?<![\w.])(?:{'|'.join(re.escape(code) for code in sorted(REMEDIES, reverse=True))})(?!\w)"
)


def sentences(text: str) -> list[str]:
    """Return what to do about each refusal of AWS that Pulumi's report names, in the order of the report."""
    codes = dict.fromkeys(found[0] for found in _CODE.finditer(text))
    return [f"AWS says {code}: {REMEDIES[code]}" for code in codes]
