"""Where machines of AWS go, and which arguments are refused before anything is made."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pulumi
import pytest

from components.hosts.aws.hosts import AwsHostsArgs
from components.hosts.aws.hosts import check as check_hosts
from components.hosts.aws.machines import (
    AwsMachinesArgs,
    MachineGroup,
    architecture,
    check,
    checked_size,
    placed,
)
from components.hosts.aws.network import subnet_blocks
from components.hosts.aws.security_groups import AwsSecurityGroupsArgs, Opening, wireguard
from components.hosts.aws.security_groups import check as check_security_groups

ZONES = ["a", "b", "c"]
MANAGERS = MachineGroup(role="manager", count=3, type="t3.large")
WORKERS = MachineGroup(role="worker", count=2, type="t4g.large")
GROUPS = {"manager": MANAGERS, "worker": WORKERS}
ARGS = AwsMachinesArgs(
    label="test",
    groups=GROUPS,
    images={"x86_64": "ami-0123456789abcdef0", "arm64": "ami-0123456789abcdef1"},
    public_key="ssh-ed25519 AAAA",
    subnets=dict.fromkeys(ZONES, "subnet"),
    security_group="sg",
    profile="host",
    key="arn",
)
HOSTS = AwsHostsArgs(
    label="test",
    zones=ZONES,
    groups=GROUPS,
    images=ARGS.images,
    public_key="ssh-ed25519 AAAA",
    ssh_from=["203.0.113.0/24"],
    bucket="example",
)


def where(groups: Mapping[str, MachineGroup]) -> dict[str, str]:
    return {name: it.zone for name, it in placed(groups, ZONES).items()}


def test_the_machines_of_a_group_take_turns_in_the_zones() -> None:
    assert where(GROUPS) == {
        "manager-1": "a",
        "manager-2": "b",
        "manager-3": "c",
        "worker-1": "b",
        "worker-2": "c",
    }


def test_more_machines_move_none_of_the_others() -> None:
    more = where({"manager": replace(MANAGERS, count=5), "worker": replace(WORKERS, count=3)})
    assert where(GROUPS).items() < more.items()


def test_one_more_zone_moves_no_subnet() -> None:
    assert subnet_blocks("10.80.0.0/16", ZONES) == {"a": "10.80.0.0/24", "b": "10.80.1.0/24", "c": "10.80.2.0/24"}
    assert subnet_blocks("10.80.0.0/16", ZONES).items() < subnet_blocks("10.80.0.0/16", [*ZONES, "d"]).items()


@pytest.mark.parametrize(
    ("instance_type", "kind"),
    [
        ("t3.large", "x86_64"),
        ("t3a.large", "x86_64"),
        ("m7i-flex.xlarge", "x86_64"),
        ("g5.xlarge", "x86_64"),
        ("u-6tb1.56xlarge", "x86_64"),
        ("t4g.large", "arm64"),
        ("c7gn.metal", "arm64"),
        ("g5g.xlarge", "arm64"),
        ("a1.large", "arm64"),
    ],
)
def test_the_architecture_is_that_of_the_type(instance_type: str, kind: str) -> None:
    assert architecture(instance_type) == kind


@pytest.mark.parametrize(
    ("changed", "reason"),
    [
        ({"images": {"x86_64": "ami-0123456789abcdef0"}}, "t4g.large is arm64, and images\\['arm64'\\] is ''"),
        ({"images": {**ARGS.images, "arm64": "ubuntu"}}, "is 'ubuntu'; give the id of one image"),
        ({"subnets": {"a": "subnet", "b": "subnet"}}, "3 managers are in 2 zones"),
        ({"groups": {"manager": replace(MANAGERS, type="big")}}, "'big' is no instance type"),
    ],
)
def test_machines_that_would_not_be_a_fleet_are_refused(changed: dict[str, Any], reason: str) -> None:
    check(ARGS)
    with pytest.raises(pulumi.RunError, match=reason):
        check(replace(ARGS, **changed))


@pytest.mark.parametrize(
    ("changed", "reason"),
    [
        ({"label": "Test"}, "label 'Test' must be"),
        ({"label": "t" * 29}, "up to 28"),
        ({"label": "test-"}, "from a letter to no -"),
        ({"ssh_from": []}, "nobody could log in"),
    ],
)
def test_hosts_that_nobody_could_use_are_refused(changed: dict[str, Any], reason: str) -> None:
    check_hosts(HOSTS)
    with pytest.raises(pulumi.RunError, match=reason):
        check_hosts(replace(HOSTS, **changed))


@pytest.mark.parametrize("block", ["10.80.0.0/24", "8.0.0.0/16", "10.80.0.1/16", "everything"])
def test_a_network_without_room_or_that_is_not_ours_is_refused(block: str) -> None:
    with pytest.raises(pulumi.RunError, match="AWS: network"):
        subnet_blocks(block, ZONES)


@pytest.mark.parametrize(
    ("source", "reason"),
    [
        ("0.0.0.0/0", r"tunnel: port 51820 of the hosts would be open to 0\.0\.0\.0/0"),
        ("128.0.0.0/1", "as good as anywhere"),
        ("203.0.113.7/24", "has host bits set; give a network such as"),
        ("office", "tunnel: Expected 4 octets in 'office'"),
    ],
)
def test_no_port_of_the_hosts_is_opened_to_anywhere(source: str, reason: str) -> None:
    opened = {"tunnel": Opening(port=wireguard(51820), source=source)}
    args = AwsSecurityGroupsArgs(label="test", vpc="vpc", gateway_port=8080, between_hosts=[], openings=opened)
    with pytest.raises(pulumi.RunError, match=reason):
        check_security_groups(args)


def test_user_data_that_ec2_would_refuse_is_refused_without_telling_it() -> None:
    with pytest.raises(pulumi.RunError, match="user data has 16385 bytes") as refused:
        checked_size("s" * 16_385)
    assert "ss" not in str(refused.value)
