"""The policy pack over hosts on AWS, on the real engine: they keep to it, and the same without encryption do not."""

import gc
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, TypeAlias

import pulumi
import pytest
from pulumi import automation

from components.hosts.aws.hosts import AwsHostsArgs
from components.hosts.aws.machines import MachineGroup
from tests.components.moto_engine import furnished

from .aws_stack import AwsStack, moto_account
from .deployment import ROOT

# The SDK runs a program in a loop of its own, and leaves what a refused one was at behind.
pytestmark = pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
Weaken: TypeAlias = Callable[[str, dict[str, Any]], None]


@pytest.fixture
def stack(engine_environment: dict[str, str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[AwsStack]:
    with moto_account(monkeypatch) as account:
        wanted = AwsHostsArgs(
            label="test",
            zones=["eu-west-1a", "eu-west-1b", "eu-west-1c"],
            groups={"manager": MachineGroup(role="manager", count=3, type="t3.large")},
            images=furnished(account.client)["images"],
            public_key="ssh-ed25519 AAAA operator",
            ssh_from=["203.0.113.0/24"],
            bucket="example-backups",
            repositories=["time"],
            tags={"mcp-fleet.stack": "test"},
        )
        yield AwsStack(tmp_path, engine_environment, account.url, wanted)


def violations(stack: AwsStack) -> set[tuple[str, str]]:
    """Preview, and return the rules that are broken, with the resources' names."""
    found: set[tuple[str, str]] = set()

    def listen(event: automation.EngineEvent) -> None:
        if event.policy_event:
            urn = event.policy_event.resource_urn or ""
            found.add((event.policy_event.policy_name, urn.rpartition("::")[2]))

    try:
        stack._stack.preview(on_event=listen, policy_packs=[str(ROOT / "policy")], color="never")
    except automation.CommandError:
        assert found
    gc.collect()  # what it left behind ends in this test
    return found


def test_hosts_keep_to_every_rule(stack: AwsStack) -> None:
    assert violations(stack) == set()


@pytest.fixture
def weaken(stack: AwsStack, monkeypatch: pytest.MonkeyPatch) -> Weaken:
    """Have the inputs of a resource, by the end of its type and name, replaced by others."""
    weaker: dict[str, dict[str, Any]] = {}

    def transformation(args: pulumi.ResourceTransformationArgs) -> pulumi.ResourceTransformationResult:
        changes = (props for end, props in weaker.items() if f"{args.type_} {args.name}".endswith(end))
        return pulumi.ResourceTransformationResult({**args.props, **next(changes, {})}, args.opts)

    program = stack._program

    def weakened() -> None:
        pulumi.runtime.register_stack_transformation(transformation)
        program()

    monkeypatch.setattr(stack._stack.workspace, "program", weakened)
    return weaker.__setitem__


def test_what_is_open_plain_or_without_an_owner_is_refused(stack: AwsStack, weaken: Weaken) -> None:
    weaken(":Instance aws-manager-2", {"root_block_device": {"volume_size": 20}, "tags": {}})
    weaken("aws-hosts-tcp-2377", {"cidr_ipv4": "0.0.0.0/0", "referenced_security_group_id": None})
    assert violations(stack) == {
        ("volumes-encrypted", "aws-manager-2"),
        ("tags", "aws-manager-2"),
        ("world-reaches-443-only", "aws-hosts-tcp-2377"),
    }


def test_a_bucket_without_an_encryption_is_refused(stack: AwsStack, weaken: Weaken) -> None:
    weaken(":BucketServerSideEncryptionConfiguration aws", {"bucket": "another-bucket"})
    assert violations(stack) == {("buckets-encrypted", "aws")}
