"""What to do about a refusal of AWS, by its code: said beside the provider's own words when a resource fails.

Sources: https://docs.aws.amazon.com/AWSEC2/latest/APIReference/errors-overview.html, the pages "Errors" of the operations
of S3, ECR, IAM, KMS, Elastic Load Balancing, Route 53, ACM and Budgets.
"""

import re
import threading
from collections.abc import Mapping
from typing import Final

import pulumi

QUOTAS: Final = "https://console.aws.amazon.com/servicequotas/home/services"
NEW_KEYS: Final = (
    "log in again (`aws sso login`, or new AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY and AWS_SESSION_TOKEN)"
)
TAKEN: Final = (
    "something of this name is there, and this stack's state does not know it: if an interrupted run of this stack made "
    "it, `fleet deploy` takes it over; if not, "
)
ANOTHER_LABEL: Final = TAKEN + "remove it, or give the stack another name"

REMEDIES: Final[Mapping[str, str]] = {
    # whose account, and what may be done there
    "ExpiredToken": f"the credentials have expired; {NEW_KEYS}",
    "ExpiredTokenException": f"the credentials have expired; {NEW_KEYS}",
    "RequestExpired": f"the credentials have expired, or this machine's clock is wrong; {NEW_KEYS}",
    "InvalidClientTokenId": f"AWS does not know these credentials in this region; {NEW_KEYS}, or enable the region",
    "UnrecognizedClientException": f"AWS does not know these credentials in this region; {NEW_KEYS}, or enable the region",
    "AuthFailure": f"AWS does not know these credentials in this region; {NEW_KEYS}, or enable the region",
    "SignatureDoesNotMatch": f"the secret key does not belong to the access key; {NEW_KEYS}",
    "UnauthorizedOperation": "these credentials may not do this; have their policy allow it, or use others",
    "AccessDenied": "these credentials may not do this; have their policy allow it, or use others",
    "AccessDeniedException": "these credentials may not do this; have their policy allow it, or use others",
    "OptInRequired": "the account is not subscribed to this; accept the image's terms in AWS Marketplace",
    "PendingVerification": "AWS still verifies the account in this region, for some minutes up to four hours; wait",
    # no room
    "InsufficientInstanceCapacity": "the zone has no such machine right now; wait, or choose another type of the group",
    "InsufficientHostCapacity": "the zone has no such machine right now; wait, or choose another type of the group",
    "Unsupported": "the zone does not have this type of machine; choose another type, or other zones",
    "VcpuLimitExceeded": (
        f"the account's quota of vCPUs is used up; ask for more at {QUOTAS}/ec2/quotas, or choose fewer or smaller machines"
    ),
    "InstanceLimitExceeded": f"the account's quota of machines is used up; ask for more at {QUOTAS}/ec2/quotas",
    "MaxSpendLimitExceeded": "the account's spending limit is reached; raise it in the billing console",
    "VolumeLimitExceeded": f"the account's quota of disks is used up; ask for more at {QUOTAS}/ebs/quotas",
    "MaxIOPSLimitExceeded": f"the account's quota of disks is used up; ask for more at {QUOTAS}/ebs/quotas",
    "AddressLimitExceeded": f"the region's quota of Elastic IPs is used up; ask for more at {QUOTAS}/ec2/quotas",
    "VpcLimitExceeded": f"the region's quota of VPCs is used up; remove one, or ask for more at {QUOTAS}/vpc/quotas",
    "InternetGatewayLimitExceeded": (
        f"the region's quota of internet gateways is used up; remove one, or ask for more at {QUOTAS}/vpc/quotas"
    ),
    "SecurityGroupLimitExceeded": f"the quota of security groups is used up; ask for more at {QUOTAS}/vpc/quotas",
    "RulesPerSecurityGroupLimitExceeded": "the group has too many rules; list fewer networks in `ssh-from`",
    "TooManyBuckets": f"the account's quota of buckets is used up; ask for more at {QUOTAS}/s3/quotas",
    "TooManyLoadBalancers": f"the quota of load balancers is used up; ask for more at {QUOTAS}/elasticloadbalancing/quotas",
    "TooManyTargetGroups": f"the quota of target groups is used up; ask for more at {QUOTAS}/elasticloadbalancing/quotas",
    "LimitExceededException": f"a quota of the account is used up; ask for more at {QUOTAS}",
    "LimitExceeded": f"a quota of the account is used up; ask for more at {QUOTAS}",
    "RequestLimitExceeded": "the account makes too many requests; wait a minute",
    "Throttling": "the account makes too many requests; wait a minute",
    "ThrottlingException": "the account makes too many requests; wait a minute",
    # names
    "BucketAlreadyExists": "somebody else has a bucket of this name; choose another one in `hosts.aws.bucket`",
    "BucketAlreadyOwnedByYou": TAKEN + "choose another name in `hosts.aws.bucket`",
    "OperationAborted": "the bucket is still being deleted; wait an hour, or choose another name in `hosts.aws.bucket`",
    "RepositoryAlreadyExistsException": ANOTHER_LABEL,
    "EntityAlreadyExists": ANOTHER_LABEL,
    "DuplicateLoadBalancerName": ANOTHER_LABEL,
    "DuplicateTargetGroupName": ANOTHER_LABEL,
    "DuplicateListener": ANOTHER_LABEL,
    "DuplicateRecordException": ANOTHER_LABEL,
    "InvalidGroup.Duplicate": ANOTHER_LABEL,
    "InvalidPermission.Duplicate": ANOTHER_LABEL,
    "InvalidChangeBatch": "the zone has such a record already: remove it, or choose another name in `hosts.aws.domain`",
    # what the stack names
    "InvalidAMIID.NotFound": (
        "there is no such image in this region; look one up (`aws ec2 describe-images --owners 136693071363` for Debian's), "
        "and write it into `hosts.aws.images`"
    ),
    "InvalidAMIID.Unavailable": "the image is gone or not ready; write another one into `hosts.aws.images`",
    "InvalidParameterCombination": "the machine's type does not go with its image; mend `hosts.aws.groups` or `.images`",
    "NoSuchHostedZone": "there is no such zone; `aws route53 list-hosted-zones` tells what to write into `hosts.aws.domain`",
    # what stands in the way of an end
    "BucketNotEmpty": "it has backups; delete them, all versions of them, if they are meant to go",
    "DependencyViolation": "something that this stack does not know of still uses it; find it in the console and remove it",
    "ResourceInUse": "something that this stack does not know of still uses it; find it in the console and remove it",
    "ResourceInUseException": "something that this stack does not know of still uses it; find it in the console and remove it",
}
"""By codes of AWS. Each is the rest of a sentence; a person can do what it says."""
_CODE: Final = re.compile(r"(?<![\w.])(?:" + "|".join(map(re.escape, sorted(REMEDIES, reverse=True))) + r")(?![\w])")


def code_in(text: str) -> str | None:
    """Return the code with a remedy that a provider's error names; None if there is none."""
    found = _CODE.search(text)
    return found[0] if found else None


def remedy(operation: str, name: str, error: str) -> str | None:
    """Return the sentence for a resource that could not be created, updated or deleted; None if there is none.

    Arguments:
        operation: `create`, `update` or `delete`.
        name: the resource's.
        error: what the provider said.
    """
    code = code_in(error)
    if code is None:
        return None
    again = "what was done so far is kept, and the next run goes on from there"
    return f"AWS did not {operation} {name}: {REMEDIES[code]} ({code}); {again}"


class AwsRemedies:
    """Says what to do when a resource on AWS fails; once for each code, for a quota stops many of a kind."""

    def __init__(self) -> None:
        self._told: set[str] = set()
        self._turn = threading.Lock()
        self._hooks = pulumi.ResourceHookBinding(on_error=[pulumi.ErrorHook("aws-remedies", self._tell)])

    def transformation(self, args: pulumi.ResourceTransformationArgs) -> pulumi.ResourceTransformationResult | None:
        """Give the hook to everything on AWS; for pulumi.runtime.register_stack_transformation."""
        if not args.type_.startswith("aws:"):
            return None
        opts = pulumi.ResourceOptions.merge(args.opts, pulumi.ResourceOptions(hooks=self._hooks))
        return pulumi.ResourceTransformationResult(props=args.props, opts=opts)

    def _tell(self, args: pulumi.ErrorHookArgs) -> bool:
        error = args.errors[0] if args.errors else ""
        sentence = remedy(args.failed_operation, args.name, error)
        code = code_in(error)
        with self._turn:
            new = code is not None and code not in self._told
            self._told.update({code} if code else ())
        if sentence and new:
            pulumi.log.error(sentence)
        return False
