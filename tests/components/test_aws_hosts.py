"""What the AWS components make, asked of the account that they made it in."""

import base64
import json
from collections.abc import Iterator
from typing import Any

import boto3
import pulumi
import pytest
import yaml
from botocore.exceptions import ClientError
from moto.core.authorization import enable_iam_authentication

from components.hosts.aws.hosts import AwsHosts
from components.hosts.aws.security_groups import AwsSecurityGroups, AwsSecurityGroupsArgs, wireguard
from components.hosts.aws.tunnel_openings import AwsTunnelOpenings, AwsTunnelOpeningsArgs
from components.swarm import Swarm, SwarmArgs

from .aws_cloud import BACKUPS, OFFICE, Cloud, arguments, client, deployed, reaching
from .examples import AWS_IMAGES, ZONES
from .moto_engine import REGION, MotoEngine
from .recording_engine import deploy

pytestmark = pytest.mark.timeout(180)  # the first test makes all there is


@pytest.fixture(scope="module")
def cloud() -> Iterator[Cloud]:
    with deployed() as cloud:
        yield cloud


def test_the_world_reaches_the_load_balancer_s_443_and_nothing_else(cloud: Cloud) -> None:
    filters = [{"Name": "vpc-id", "Values": [cloud.vpc]}]
    groups = [
        group["GroupId"] for group in cloud.ask("ec2", "describe_security_groups", Filters=filters)["SecurityGroups"]
    ]
    filters = [{"Name": "group-id", "Values": groups}]
    rules = cloud.ask("ec2", "describe_security_group_rules", Filters=filters)["SecurityGroupRules"]
    entries = [rule for rule in rules if not rule["IsEgress"]]
    wide = {
        (rule["CidrIpv4"], rule["IpProtocol"], rule["FromPort"], rule["ToPort"])
        for rule in entries
        if "CidrIpv4" in rule
    }
    assert wide == {("0.0.0.0/0", "tcp", 443, 443), (OFFICE, "tcp", 22, 22)}
    assert reaching("tcp", 443, "test-load-balancer") == {"0.0.0.0/0"}
    assert reaching("tcp", 443, "test-hosts") == set()


@pytest.mark.parametrize(("protocol", "port"), [("tcp", 2377), ("tcp", 7946), ("udp", 7946), ("udp", 4789)])
def test_only_hosts_reach_each_other_s_swarm_ports(cloud: Cloud, protocol: str, port: int) -> None:
    assert reaching(protocol, port, "test-hosts") == {"test-hosts"}


def test_the_other_ports_of_hosts(cloud: Cloud) -> None:
    assert reaching("tcp", 8080, "test-hosts") == {"test-load-balancer"}
    assert reaching("tcp", 22, "test-hosts") == {OFFICE}
    assert reaching("tcp", 2375, "test-hosts") == set(), "the engine's own port"
    assert reaching("udp", 51820, "test-hosts") == set()
    for instance in cloud.instances.values():
        groups = [group["GroupName"] for interface in instance["NetworkInterfaces"] for group in interface["Groups"]]
        assert groups == ["test-hosts"]


def test_a_machine_without_a_group_reaches_nothing_and_is_not_reached(cloud: Cloud) -> None:
    filters = [{"Name": "vpc-id", "Values": [cloud.vpc]}, {"Name": "group-name", "Values": ["default"]}]
    (default,) = cloud.ask("ec2", "describe_security_groups", Filters=filters)["SecurityGroups"]
    assert (default["IpPermissions"], default["IpPermissionsEgress"]) == ([], [])


def test_with_wireguard_swarm_s_ports_are_open_to_nobody(cloud: Cloud) -> None:
    group = AwsSecurityGroupsArgs(
        label="tunnel",
        vpc=client("ec2").create_vpc(CidrBlock="10.81.0.0/16")["Vpc"]["VpcId"],
        gateway_port=8080,
        between_hosts=[wireguard(51820)],
    )

    def build() -> None:
        hosts = AwsSecurityGroups("groups", group).outputs.hosts
        AwsTunnelOpenings(
            "openings", AwsTunnelOpeningsArgs(security_group=hosts, port=51820, hosts={"gpu": "198.51.100.7"})
        )

    deploy(build, MotoEngine())
    assert reaching("udp", 51820, "tunnel-hosts") == {"tunnel-hosts", "198.51.100.7/32"}
    assert reaching("tcp", 2377, "tunnel-hosts") == set()
    assert reaching("udp", 4789, "tunnel-hosts") == set()


def test_every_disk_is_encrypted_with_the_fleet_s_key(cloud: Cloud) -> None:
    volumes = cloud.ask("ec2", "describe_volumes")["Volumes"]
    assert len(volumes) == len(cloud.instances) == 4
    for volume in volumes:
        assert volume["Encrypted"] is True
        assert volume["KmsKeyId"] == cloud.outputs["key"]
        assert {"Key": "team", "Value": "search"} in volume["Tags"]


def test_metadata_needs_a_token_and_is_out_of_reach_of_containers(cloud: Cloud) -> None:
    for instance in cloud.instances.values():
        assert instance["MetadataOptions"]["HttpTokens"] == "required"
        assert instance["MetadataOptions"]["HttpPutResponseHopLimit"] == 1


def test_managers_are_in_three_zones_and_each_machine_runs_the_image_of_its_architecture(cloud: Cloud) -> None:
    managers = [found for name, found in cloud.instances.items() if name.startswith("manager")]
    assert {instance["Placement"]["AvailabilityZone"] for instance in managers} == set(ZONES)
    assert {instance["ImageId"] for instance in managers} == {cloud.account["images"]["x86_64"]}
    assert cloud.instances["arm-1"]["ImageId"] == cloud.account["images"]["arm64"]


def test_a_host_is_told_to_be_the_one_that_the_swarm_expects(cloud: Cloud) -> None:
    hosts = {host.name: host for host in cloud.component.outputs.swarm_hosts()}
    assert [name for name, host in hosts.items() if host.role == "manager"] == ["manager-1", "manager-2", "manager-3"]
    assert (hosts["arm-1"].role, hosts["arm-1"].user) == ("worker", "fleet")
    assert hosts["arm-1"].labels["zone"] == cloud.instances["arm-1"]["Placement"]["AvailabilityZone"]
    keys = set()
    for name, host in cloud.outputs["hosts"].items():
        found = cloud.ask("ec2", "describe_instance_attribute", InstanceId=host["id"], Attribute="userData")
        told = yaml.safe_load(base64.b64decode(found["UserData"]["Value"]))
        assert told["hostname"] == f"test-{name}"
        assert told["ssh_keys"]["ed25519_public"] == host["host_key"]
        assert host["address"] == cloud.instances[name]["PublicIpAddress"]
        assert host["private_address"] == cloud.instances[name]["PrivateIpAddress"]
        keys.add(host["host_key"])
    assert len(keys) == 4, "each machine has a key of its own"


def test_a_swarm_is_made_of_the_hosts_as_they_are_returned() -> None:
    def build() -> None:
        hosts = AwsHosts("aws", arguments({"images": AWS_IMAGES, "hosted_zone": "Z1"})).outputs.swarm_hosts()
        Swarm("swarm", SwarmArgs(swarm="test", hosts=hosts, private_key=pulumi.Output.secret("key")))

    engine, _ = deploy(build)
    nodes = {name: node.inputs for name, node in engine.of_type(":SwarmNode").items()}
    assert {name: (node["role"], node["founder"]) for name, node in nodes.items()} == {
        "manager-1": ("manager", True),
        "manager-2": ("manager", False),
        "manager-3": ("manager", False),
        "arm-1": ("worker", False),
    }
    assert nodes["arm-1"]["machine"] == "id-of-aws-arm-1"
    assert nodes["arm-1"]["labels"] == {"place": "aws", "zone": "eu-west-1b"}
    host = nodes["arm-1"]["host"]
    assert (host["address"], host["user"]) == ("198.51.100.1", "fleet")
    assert host["host_key"].startswith("ssh-ed25519 AAAA"), "public: a preview shows it"


def role_policy(cloud: Cloud) -> list[dict[str, Any]]:
    (name,) = cloud.ask("iam", "list_role_policies", RoleName="test-host")["PolicyNames"]
    assert cloud.ask("iam", "list_attached_role_policies", RoleName="test-host")["AttachedPolicies"] == []
    policy = cloud.ask("iam", "get_role_policy", RoleName="test-host", PolicyName=name)["PolicyDocument"]
    return list(policy["Statement"])


def test_the_role_may_pull_back_up_and_open_sessions_and_nothing_else(cloud: Cloud) -> None:
    allowed = {
        (action, resource)
        for statement in role_policy(cloud)
        for action in statement["Action"]
        for resource in statement["Resource"]
    }
    repository = cloud.ask("ecr", "describe_repositories")["repositories"][0]["repositoryArn"]
    session = ["CreateControlChannel", "CreateDataChannel", "OpenControlChannel", "OpenDataChannel"]
    assert allowed == {
        ("s3:PutObject", f"arn:aws:s3:::{BACKUPS}/hosts/*"),
        ("s3:AbortMultipartUpload", f"arn:aws:s3:::{BACKUPS}/hosts/*"),
        ("kms:GenerateDataKey", cloud.outputs["key"]),
        ("kms:Decrypt", cloud.outputs["key"]),
        *((f"ecr:{action}", repository) for action in ("BatchCheckLayerAvailability", "BatchGetImage")),
        ("ecr:GetDownloadUrlForLayer", repository),
        ("ecr:GetAuthorizationToken", "*"),
        ("ssm:UpdateInstanceInformation", "*"),
        *((f"ssmmessages:{action}", "*") for action in session),
    }
    assert all(statement["Effect"] == "Allow" for statement in role_policy(cloud))


def test_who_takes_a_host_over_can_t_read_or_delete_backups(cloud: Cloud) -> None:
    role = cloud.ask("iam", "get_role", RoleName="test-host")["Role"]
    assert [item["Principal"] for item in role["AssumeRolePolicyDocument"]["Statement"]] == [
        {"Service": "ec2.amazonaws.com"}
    ]
    given = cloud.ask("sts", "assume_role", RoleArn=role["Arn"], RoleSessionName="host")["Credentials"]
    session = boto3.session.Session(given["AccessKeyId"], given["SecretAccessKey"], given["SessionToken"], REGION)
    backup = {"Bucket": BACKUPS, "Key": "hosts/state.tar"}
    policy = client("s3").get_bucket_policy(Bucket=BACKUPS)["Policy"]
    client("s3").delete_bucket_policy(Bucket=BACKUPS)  # moto takes every condition for met: nobody could do anything
    with enable_iam_authentication():
        session.client("s3").put_object(**backup, Body=b"state")
        session.client("ecr").get_authorization_token()
        refused: list[tuple[Any, str, dict[str, Any]]] = [
            ("s3", "get_object", backup),
            ("s3", "delete_object", backup),
            ("s3", "put_bucket_versioning", {"Bucket": BACKUPS, "VersioningConfiguration": {"Status": "Suspended"}}),
            ("kms", "disable_key_rotation", {"KeyId": cloud.outputs["key"]}),
            ("ec2", "describe_instances", {}),
            ("iam", "list_users", {}),
            ("ecr", "delete_repository", {"repositoryName": "test/time"}),
        ]
        for service, operation, parameters in refused:
            with pytest.raises(ClientError, match=r"AccessDenied|UnauthorizedOperation|Forbidden"):
                getattr(session.client(service), operation)(**parameters)
    client("s3").put_bucket_policy(Bucket=BACKUPS, Policy=policy)


def test_images_are_scanned_encrypted_unchangeable_and_expire(cloud: Cloud) -> None:
    (repository,) = cloud.ask("ecr", "describe_repositories")["repositories"]
    assert repository["repositoryUri"] == cloud.outputs["repositories"]["time"]
    assert repository["imageTagMutability"] == "IMMUTABLE"
    assert repository["imageScanningConfiguration"] == {"scanOnPush": True}
    assert repository["encryptionConfiguration"] == {"encryptionType": "KMS", "kmsKey": cloud.outputs["key"]}
    policy = cloud.ask("ecr", "get_lifecycle_policy", repositoryName="test/time")["lifecyclePolicyText"]
    assert [rule["selection"]["tagStatus"] for rule in json.loads(policy)["rules"]] == ["untagged", "tagged"]


def test_backups_are_private_versioned_encrypted_and_expire(cloud: Cloud) -> None:
    assert cloud.outputs["bucket"] == BACKUPS
    blocked = cloud.ask("s3", "get_public_access_block", Bucket=BACKUPS)["PublicAccessBlockConfiguration"]
    assert set(blocked.values()) == {True}
    assert len(blocked) == 4
    assert cloud.ask("s3", "get_bucket_versioning", Bucket=BACKUPS)["Status"] == "Enabled"
    encryption = cloud.ask("s3", "get_bucket_encryption", Bucket=BACKUPS)["ServerSideEncryptionConfiguration"]
    assert encryption["Rules"][0]["ApplyServerSideEncryptionByDefault"] == {
        "SSEAlgorithm": "aws:kms",
        "KMSMasterKeyID": cloud.outputs["key"],
    }
    policy = json.loads(cloud.ask("s3", "get_bucket_policy", Bucket=BACKUPS)["Policy"])
    assert [(rule["Effect"], rule["Condition"]) for rule in policy["Statement"]] == [
        ("Deny", {"Bool": {"aws:SecureTransport": "false"}})
    ]
    (rule,) = cloud.ask("s3", "get_bucket_lifecycle_configuration", Bucket=BACKUPS)["Rules"]
    assert (rule["Expiration"]["Days"], rule["NoncurrentVersionExpiration"]["NoncurrentDays"]) == (35, 35)
    assert cloud.ask("kms", "get_key_rotation_status", KeyId=cloud.outputs["key"])["KeyRotationEnabled"] is True


@pytest.mark.parametrize(
    ("protected", "kinds"),
    [(False, set()), (True, {"aws:kms/key:Key", "aws:s3/bucket:Bucket", "aws:ecr/repository:Repository"})],
)
def test_what_can_t_be_had_back_is_protected_where_that_is_asked_for(*, protected: bool, kinds: set[str]) -> None:
    account = {"images": AWS_IMAGES, "hosted_zone": "Z1"}
    engine, _ = deploy(lambda: AwsHosts("aws", arguments(account, protected=protected)))
    assert engine.protected == kinds


def test_the_name_leads_to_every_gateway_through_tls(cloud: Cloud) -> None:
    assert cloud.outputs["url"] == "https://mcp.example.com"
    (balancer,) = cloud.ask("elbv2", "describe_load_balancers")["LoadBalancers"]
    assert (balancer["Type"], balancer["Scheme"]) == ("network", "internet-facing")
    assert {zone["ZoneName"] for zone in balancer["AvailabilityZones"]} == set(ZONES)
    (listener,) = cloud.ask("elbv2", "describe_listeners", LoadBalancerArn=balancer["LoadBalancerArn"])["Listeners"]
    assert (listener["Port"], listener["Protocol"]) == (443, "TLS")
    certificate = listener["Certificates"][0]["CertificateArn"]
    described = cloud.ask("acm", "describe_certificate", CertificateArn=certificate)["Certificate"]
    assert (described["DomainName"], described["Status"]) == ("mcp.example.com", "ISSUED")
    group = listener["DefaultActions"][0]["TargetGroupArn"]
    targets = cloud.ask("elbv2", "describe_target_health", TargetGroupArn=group)["TargetHealthDescriptions"]
    machines = {instance["InstanceId"] for instance in cloud.instances.values()}
    assert {(found["Target"]["Id"], found["Target"]["Port"]) for found in targets} == {(id_, 8080) for id_ in machines}
    zone = cloud.account["hosted_zone"]
    records = cloud.ask("route53", "list_resource_record_sets", HostedZoneId=zone)["ResourceRecordSets"]
    (name,) = (record for record in records if record["Type"] == "A")
    assert (name["Name"], name["AliasTarget"]["DNSName"].rstrip(".")) == ("mcp.example.com.", balancer["DNSName"])


def test_whoever_pays_is_told_before_and_when_the_budget_is_spent(cloud: Cloud) -> None:
    number = cloud.ask("sts", "get_caller_identity")["Account"]
    budget = cloud.ask("budgets", "describe_budget", AccountId=number, BudgetName="test")["Budget"]
    assert (float(budget["BudgetLimit"]["Amount"]), budget["TimeUnit"]) == (500, "MONTHLY")
    told = cloud.ask("budgets", "describe_notifications_for_budget", AccountId=number, BudgetName="test")
    assert {(item["NotificationType"], item["Threshold"]) for item in told["Notifications"]} == {
        ("ACTUAL", 80),
        ("ACTUAL", 100),
        ("FORECASTED", 100),
    }
