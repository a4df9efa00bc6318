"""What an interrupted creation made on AWS, found by the tags or the name that it was to have.

Only what has all tags of the resource is taken for it, where it can have tags: others may have things of the same name.
"""

from collections.abc import Callable, Mapping
from typing import Any, Final, TypeAlias

import boto3
from botocore.exceptions import BotoCoreError, ClientError

from fleet.errors import FleetError

Inputs: TypeAlias = Mapping[str, Any]
ABSENT: Final = frozenset(
    {
        *("NoSuchEntity", "RepositoryNotFoundException", "LoadBalancerNotFound", "TargetGroupNotFound"),
        *("NotFoundException", "NoSuchHostedZone", "404", "NoSuchBucket"),
    }
)
"""Codes that say that there is no such thing."""


class AwsAccount:
    """The account of the environment's credentials, in one region."""

    def __init__(self, region: str) -> None:
        self._session = boto3.session.Session(region_name=region)

    def ask(self, service: str, operation: str, **parameters: object) -> Mapping[str, Any]:
        """Send one request, named as boto3 names it.

        Raises:
            ClientError: AWS refused it.
            FleetError: It got no answer.
        """
        try:
            client = self._session.client(service)  # type: ignore[call-overload] # by name
            answer: Mapping[str, Any] = getattr(client, operation)(**parameters)
        except BotoCoreError as error:
            raise FleetError(f"AWS, {service} {operation}: {error}", hint="`aws sts get-caller-identity`") from error
        return answer


def id_of(account: AwsAccount, kind: str, inputs: Inputs, known: frozenset[str]) -> str | None:
    """Return the id of what a creation with these `inputs` made; None if it made nothing.

    Args:
        kind: type of the resource.
        known: ids of this type that the state has already; a role and its profile may have the same.

    Raises:
        FleetError: AWS does not say.
    """
    find = _FINDERS.get(kind)
    if find is None:
        return None  # making it again changes nothing, as with all that is put
    try:
        found = find(account, inputs)
    except ClientError as error:
        if error.response.get("Error", {}).get("Code") in ABSENT:
            return None
        raise FleetError(f"AWS, looking for what an interrupted run made ({kind}): {error}") from error
    return None if found in known else found


def _ours(labels: Mapping[str, str], inputs: Inputs) -> bool:
    wanted = inputs.get("tags") or {}
    return bool(wanted) and wanted.items() <= labels.items()


def _labels(pairs: Any) -> dict[str, str]:  # noqa: ANN401 - as boto3 has it
    return {pair["Key"]: pair["Value"] for pair in pairs or ()}


def _in_ec2(operation: str, things: str, id_: str) -> "Finder":
    """Find a thing of EC2: what it describes by `operation` under the key `things`, with its id under `id_`."""

    def find(account: AwsAccount, inputs: Inputs) -> str | None:
        found = account.ask("ec2", operation, Filters=_filters(inputs))[things]
        return next((str(thing[id_]) for thing in found if _ours(_labels(thing.get("Tags")), inputs)), None)

    return find


def _filters(inputs: Inputs) -> list[dict[str, Any]]:
    return [{"Name": f"tag:{key}", "Values": [value]} for key, value in (inputs.get("tags") or {}).items()]


def _instance(account: AwsAccount, inputs: Inputs) -> str | None:
    alive = {"Name": "instance-state-name", "Values": ["pending", "running", "stopping", "stopped"]}
    found = account.ask("ec2", "describe_instances", Filters=[*_filters(inputs), alive])["Reservations"]
    machines = [machine for reservation in found for machine in reservation["Instances"]]
    return next((str(it["InstanceId"]) for it in machines if _ours(_labels(it.get("Tags")), inputs)), None)


def _association(account: AwsAccount, inputs: Inputs) -> str | None:
    of_subnet = [{"Name": "association.subnet-id", "Values": [inputs["subnetId"]]}]
    for table in account.ask("ec2", "describe_route_tables", Filters=of_subnet)["RouteTables"]:
        for association in table["Associations"]:
            if association.get("SubnetId") == inputs["subnetId"]:
                return str(association["RouteTableAssociationId"])
    return None


def _rule(*, egress: bool) -> "Finder":
    def find(account: AwsAccount, inputs: Inputs) -> str | None:
        of_group = [{"Name": "group-id", "Values": [inputs["securityGroupId"]]}]
        rules = account.ask("ec2", "describe_security_group_rules", Filters=of_group)["SecurityGroupRules"]
        return next(
            (
                str(rule["SecurityGroupRuleId"])
                for rule in rules
                if rule["IsEgress"] is egress
                and rule["IpProtocol"] == inputs["ipProtocol"]
                and rule.get("CidrIpv4") == inputs.get("cidrIpv4")
                and rule.get("ReferencedGroupInfo", {}).get("GroupId") == inputs.get("referencedSecurityGroupId")
                and ("fromPort" not in inputs or rule.get("FromPort") == int(inputs["fromPort"]))
            ),
            None,
        )

    return find


def _arns(account: AwsAccount, kind: str, inputs: Inputs) -> list[str]:
    """List what the account's index of tags has of a kind."""
    filters = [{"Key": key, "Values": [value]} for key, value in (inputs.get("tags") or {}).items()]
    if not filters:
        return []
    answer = account.ask("resourcegroupstaggingapi", "get_resources", TagFilters=filters, ResourceTypeFilters=[kind])
    return [str(item["ResourceARN"]) for item in answer["ResourceTagMappingList"]]


def _certificate(account: AwsAccount, inputs: Inputs) -> str | None:
    return next(iter(_arns(account, "acm:certificate", inputs)), None)


def _key(account: AwsAccount, inputs: Inputs) -> str | None:
    """One in use: a destroyed key keeps its tags until its waiting period of 7 to 30 days is over."""
    ids = [arn.rpartition("/")[2] for arn in _arns(account, "kms:key", inputs)]
    states = {id_: account.ask("kms", "describe_key", KeyId=id_)["KeyMetadata"]["KeyState"] for id_ in ids}
    return next((id_ for id_, state in states.items() if state != "PendingDeletion"), None)


def _role(account: AwsAccount, inputs: Inputs) -> str | None:
    role = account.ask("iam", "get_role", RoleName=inputs["name"])["Role"]
    return str(role["RoleName"]) if _ours(_labels(role.get("Tags")), inputs) else None


def _profile(account: AwsAccount, inputs: Inputs) -> str | None:
    profile = account.ask("iam", "get_instance_profile", InstanceProfileName=inputs["name"])["InstanceProfile"]
    return str(profile["InstanceProfileName"]) if _ours(_labels(profile.get("Tags")), inputs) else None


def _repository(account: AwsAccount, inputs: Inputs) -> str | None:
    (found,) = account.ask("ecr", "describe_repositories", repositoryNames=[inputs["name"]])["repositories"]
    labels = account.ask("ecr", "list_tags_for_resource", resourceArn=found["repositoryArn"])["tags"]
    return str(found["repositoryName"]) if _ours(_labels(labels), inputs) else None


def _bucket(account: AwsAccount, inputs: Inputs) -> str | None:
    """One in this account that is empty: it gets its tags by a request of their own, which may be missing."""
    name = str(inputs["bucket"])
    if name not in {bucket["Name"] for bucket in account.ask("s3", "list_buckets")["Buckets"]}:
        return None
    return None if account.ask("s3", "list_objects_v2", Bucket=name, MaxKeys=1)["KeyCount"] else name


def _balancer(account: AwsAccount, inputs: Inputs) -> str | None:
    (found,) = account.ask("elbv2", "describe_load_balancers", Names=[inputs["name"]])["LoadBalancers"]
    return _tagged_arn(account, str(found["LoadBalancerArn"]), inputs)


def _target_group(account: AwsAccount, inputs: Inputs) -> str | None:
    (found,) = account.ask("elbv2", "describe_target_groups", Names=[inputs["name"]])["TargetGroups"]
    return _tagged_arn(account, str(found["TargetGroupArn"]), inputs)


def _tagged_arn(account: AwsAccount, arn: str, inputs: Inputs) -> str | None:
    (labels,) = account.ask("elbv2", "describe_tags", ResourceArns=[arn])["TagDescriptions"]
    return arn if _ours(_labels(labels["Tags"]), inputs) else None


def _listener(account: AwsAccount, inputs: Inputs) -> str | None:
    found = account.ask("elbv2", "describe_listeners", LoadBalancerArn=inputs["loadBalancerArn"])["Listeners"]
    return next((str(it["ListenerArn"]) for it in found if it["Port"] == int(inputs["port"])), None)


def _budget(account: AwsAccount, inputs: Inputs) -> str | None:
    number = account.ask("sts", "get_caller_identity")["Account"]
    account.ask("budgets", "describe_budget", AccountId=number, BudgetName=inputs["name"])
    return f"{number}:{inputs['name']}"


def _record(account: AwsAccount, inputs: Inputs) -> str | None:
    name, kind = str(inputs["name"]).rstrip("."), str(inputs["type"])
    found = account.ask(
        "route53",
        "list_resource_record_sets",
        HostedZoneId=inputs["zoneId"],
        StartRecordName=name,
        StartRecordType=kind,
        MaxItems="1",
    )["ResourceRecordSets"]
    same = any(it["Name"].rstrip(".").lower() == name.lower() and it["Type"] == kind for it in found)
    return f"{inputs['zoneId']}_{name}_{kind}" if same else None


Finder: TypeAlias = Callable[[AwsAccount, Inputs], str | None]
_FINDERS: Final[Mapping[str, Finder]] = {
    "aws:acm/certificate:Certificate": _certificate,
    "aws:budgets/budget:Budget": _budget,
    "aws:ec2/instance:Instance": _instance,
    "aws:ec2/internetGateway:InternetGateway": _in_ec2(
        "describe_internet_gateways", "InternetGateways", "InternetGatewayId"
    ),
    "aws:ec2/routeTable:RouteTable": _in_ec2("describe_route_tables", "RouteTables", "RouteTableId"),
    "aws:ec2/routeTableAssociation:RouteTableAssociation": _association,
    "aws:ec2/securityGroup:SecurityGroup": _in_ec2("describe_security_groups", "SecurityGroups", "GroupId"),
    "aws:ec2/subnet:Subnet": _in_ec2("describe_subnets", "Subnets", "SubnetId"),
    "aws:ec2/vpc:Vpc": _in_ec2("describe_vpcs", "Vpcs", "VpcId"),
    "aws:ecr/repository:Repository": _repository,
    "aws:iam/instanceProfile:InstanceProfile": _profile,
    "aws:iam/role:Role": _role,
    "aws:kms/key:Key": _key,
    "aws:lb/listener:Listener": _listener,
    "aws:lb/loadBalancer:LoadBalancer": _balancer,
    "aws:lb/targetGroup:TargetGroup": _target_group,
    "aws:route53/record:Record": _record,
    "aws:s3/bucket:Bucket": _bucket,
    "aws:vpc/securityGroupEgressRule:SecurityGroupEgressRule": _rule(egress=True),
    "aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule": _rule(egress=False),
}
"""Of what would be there twice, or in its own way, if it were made again."""
