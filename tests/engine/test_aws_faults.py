"""What goes wrong on AWS is told with its remedy, the next run goes on, and a destroy leaves nothing."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from dev.cloud.aws_account import AwsAccount, furnished
from dev.plugins.aws.faults import FaultyWay, Hold, Refusal

from .aws_project import AwsProject
from .aws_stack import REGION, moto_account
from .killing import kill_session


@pytest.fixture
def account() -> Iterator[AwsAccount]:
    with moto_account() as account:
        yield account


@pytest.fixture
def project(engine_environment: dict[str, str], account: AwsAccount, tmp_path: Path) -> Iterator[AwsProject]:
    with FaultyWay(account.url).open() as way:
        yield AwsProject(tmp_path, engine_environment, way, {"region": REGION, **furnished(account.client)})


REFUSALS = {
    "VpcLimitExceeded": ("ec2:CreateVpc", "the region's quota is used up; remove what is not needed, or ask for more"),
    "BucketAlreadyExists": ("s3:CreateBucket", "somebody else has a bucket of this name; choose another one in"),
    "InsufficientInstanceCapacity": ("ec2:RunInstances", "wait, or choose another `type` of the group"),
}


@pytest.mark.long
def test_an_up_fails_again_and_again_in_a_sentence_and_goes_on_each_time(
    project: AwsProject, account: AwsAccount
) -> None:
    before = account.left()
    project.way.refusals += [Refusal(operation, code) for code, (operation, _) in REFUSALS.items()]
    told = ""
    while project.way.refusals:
        said = project.refused("deploy")
        assert "error: stack 'test' was not brought up" in said
        assert "the same command goes on from there" in said
        assert "Traceback" not in said
        told += said
    project.deployed()
    project.unchanged()
    for code, (operation, remedy) in REFUSALS.items():
        assert f"AWS says {code}: " in told
        assert remedy in told
        assert project.way.asked.count(operation) == 2, f"{operation}: once refused, once done"

    project.way.refusals.append(Refusal("ec2:TerminateInstances", "ExpiredToken"))
    assert "AWS says ExpiredToken: the credentials have expired; log in again" in project.refused("destroy", "--yes")
    project.destroyed()
    assert account.left() == before


CREATIONS = (
    "kms:CreateKey",
    "ec2:CreateVpc",
    "ec2:CreateInternetGateway",
    "ec2:CreateSubnet",
    "ec2:AuthorizeSecurityGroupIngress",
    "ecr:CreateRepository",
    "s3:CreateBucket",
    "iam:CreateRole",
    "iam:CreateInstanceProfile",
    "ec2:RunInstances",
    "elasticloadbalancing:CreateLoadBalancer",
    "elasticloadbalancing:CreateListener",
    "route53:ChangeResourceRecordSets",
)


@pytest.mark.long
@pytest.mark.parametrize("operation", CREATIONS)
def test_an_up_that_is_killed_anywhere_is_taken_up_by_the_next(
    project: AwsProject, account: AwsAccount, operation: str
) -> None:
    before = account.left()
    project.asked |= {"entrance": True}
    project.killed(operation)
    assert "the last run of stack test was interrupted" in project.deployed()
    project.unchanged()
    twice = {kind for kind, things in account.left().items() if len(things) > 1}
    assert twice == {"groups", "records"}, "the hosts' and the load balancer's; the domain's and its proof"
    assert {len(account.left()[kind]) for kind in twice} == {2}
    project.destroyed()
    assert account.left() == before


def test_what_an_interrupted_up_made_goes_with_a_destroy(project: AwsProject, account: AwsAccount) -> None:
    before = account.left()
    project.killed("ec2:CreateVpc")
    assert len(account.left()["networks"]) == 1
    said = project.destroyed()
    assert "aws (aws:ec2/vpc:Vpc) is there, as vpc-" in said
    assert account.left() == before
    assert project.resources() == []


def test_two_runs_at_once_are_told_who_and_how_to_unlock(project: AwsProject) -> None:
    hold = Hold("ec2:CreateVpc")
    project.way.holds.append(hold)
    with project.started() as other:
        try:
            project.await_held(hold, other)
            said = project.refused("deploy")
        finally:
            kill_session(other.pid)
            hold.let_go.set()
    assert re.search(r"stack 'test' is being changed by \S+@\S+ \(process \d+\), since 20", said)
    assert "wait until that run ends. If it is no more, `pulumi cancel --stack test` unlocks the stack" in said
    project.pulumi("cancel", "--yes", "--stack", "test")
    project.destroyed()


@pytest.mark.long
def test_what_is_protected_is_not_destroyed_nor_anything_else_of_its_stack(
    project: AwsProject, account: AwsAccount
) -> None:
    project.asked |= {"machines": 0, "protected": True}
    project.deployed()
    made = account.left()
    said = project.refused("destroy", "--yes")
    assert "error: stack 'test' is protected, and nothing of it was destroyed: aws (Bucket), aws (Key)" in said
    assert "remove `mcp-fleet:protect` from Pulumi.test.yaml" in said
    assert account.left() == made

    project.asked |= {"protected": False}
    project.deployed()
    assert "that is not the name of stack 'test'" in project.fleet("destroy", given="prod\n").stderr
    assert account.left() == made
    assert project.fleet("destroy", given="test\n").returncode == 0
    assert "buckets" not in account.left()
