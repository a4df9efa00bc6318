"""Hosts on AWS by the real engine, in a moto account: made, changed, lost, found again, and gone in the end."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from components.hosts.aws.hosts import AwsHostsArgs, Budget, Domain
from components.hosts.aws.machines import MachineGroup
from dev.cloud.aws_account import AwsAccount, furnished

from .aws_stack import AwsStack, moto_account
from .deployment import Step

INGRESS = "aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule"
PUBLIC_ACCESS_BLOCK = "aws:s3/bucketPublicAccessBlock:BucketPublicAccessBlock"
BUCKET = "example-backups"


@pytest.fixture
def account() -> Iterator[AwsAccount]:
    with moto_account() as account:
        yield account


@pytest.fixture
def stack(engine_environment: dict[str, str], account: AwsAccount, tmp_path: Path) -> AwsStack:
    found = furnished(account.client)
    wanted = AwsHostsArgs(
        label="test",
        zones=["eu-west-1a", "eu-west-1b", "eu-west-1c"],
        groups={
            "manager": MachineGroup(role="manager", count=3, type="t3.large"),
            "arm": MachineGroup(role="worker", count=1, type="t4g.large"),
        },
        images=found["images"],
        public_key="ssh-ed25519 AAAA operator",
        ssh_from=["203.0.113.0/24"],
        domain=Domain(name="mcp.example.com", hosted_zone=found["hosted_zone"]),
        bucket=BUCKET,
        repositories=["time"],
        budget=Budget(dollars=500, emails=["owner@example.com"]),
        tags={"team": "search"},
    )
    return AwsStack(tmp_path, engine_environment, account.url, wanted)


def test_a_fleet_s_place_is_made_kept_changed_restored_and_left_empty(stack: AwsStack, account: AwsAccount) -> None:
    before = account.left()
    stack.up()
    made = stack.outputs()
    assert made["url"] == "https://mcp.example.com"
    assert made["hosts"].keys() == {"manager-1", "manager-2", "manager-3", "arm-1"}
    assert set(account.left()["instances"]) == {host["id"] for host in made["hosts"].values()}
    assert "OPENSSH PRIVATE KEY" not in stack.stored(), "user data is encrypted in the state"

    assert stack.preview().steps == []
    assert stack.up(refresh=True).steps == [], "what was read is what was asked for"

    stack.wanted = replace(stack.wanted, ssh_from=["203.0.113.128/25"])
    change = {
        Step("create", INGRESS, "aws-hosts-ssh-203.0.113.128/25"),
        Step("delete", INGRESS, "aws-hosts-ssh-203.0.113.0/24"),
    }
    assert set(stack.preview().steps) == change, "nothing else is in a reviewer's preview"
    assert set(stack.up().steps) == change

    stack.wanted = replace(stack.wanted, tags={"owner": "platform"})
    assert {step.operation for step in stack.up().steps} == {"update"}, "no machine goes for a tag"
    assert [tag for volume in account.client("ec2").describe_volumes()["Volumes"] for tag in volume["Tags"]].count(
        {"Key": "owner", "Value": "platform"}
    ) == len(made["hosts"])

    account.client("s3").delete_public_access_block(Bucket=BUCKET)
    lost = made["hosts"]["manager-2"]["id"]
    account.client("ec2").terminate_instances(InstanceIds=[lost])
    assert Step("create", PUBLIC_ACCESS_BLOCK, "aws") in stack.up(refresh=True).steps
    hosts = stack.outputs()["hosts"]
    assert hosts["manager-2"]["id"] != lost
    assert hosts["manager-2"]["host_key"] == made["hosts"]["manager-2"]["host_key"], "its successor is known already"
    assert hosts["manager-1"] == made["hosts"]["manager-1"]
    assert stack.preview().steps == []

    stack.destroy()
    assert account.left() == before


def test_a_destroy_stops_at_backups(stack: AwsStack, account: AwsAccount) -> None:
    stack.wanted = replace(stack.wanted, groups={}, domain=None, budget=None, repositories=[])
    before = account.left()
    stack.up()
    account.client("s3").delete_bucket_policy(Bucket=BUCKET)  # moto takes its condition for met: nobody could write
    account.client("s3").put_object(Bucket=BUCKET, Key="hosts/state.tar", Body=b"state")
    assert "BucketNotEmpty" in stack.destroy_refused()
    assert account.client("s3").get_object(Bucket=BUCKET, Key="hosts/state.tar")["Body"].read() == b"state"

    for version in account.client("s3").list_object_versions(Bucket=BUCKET)["Versions"]:
        account.client("s3").delete_object(Bucket=BUCKET, Key=version["Key"], VersionId=version["VersionId"])
    stack.destroy()
    assert account.left() == before
