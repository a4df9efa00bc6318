"""What the component asks of Lambda Labs, and in which order it lets go of it."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pulumi
import pytest

from components.hosts.lambda_labs import (
    FirewallRule,
    LambdaLabsAccount,
    LambdaLabsHosts,
    LambdaLabsHostsArgs,
    Machine,
    key_name,
)

from .recording_engine import deploy, is_secret

PUBLIC_KEY = "ssh-ed25519 AAAA operator"
ARGS = LambdaLabsHostsArgs(
    account=LambdaLabsAccount(),
    label="test",
    machines={"one": Machine(user_data="one"), "two": Machine(user_data="two", hostname="second")},
    types=["gpu_1x_a10", "gpu_1x_a100"],
    regions=["us-east-1", "us-west-1"],
    public_key=PUBLIC_KEY,
    firewall=[FirewallRule(description="wireguard", protocol="udp", source="203.0.113.7/32", ports=(51820, 51820))],
)


def resources(args: LambdaLabsHostsArgs, kind: str) -> Mapping[str, Any]:
    engine, _ = deploy(lambda: LambdaLabsHosts("gpu", args))
    return {name: resource.inputs for name, resource in engine.of_type(f"lambda-labs:{kind}").items()}


def test_each_machine_may_be_launched_in_every_listed_place() -> None:
    machines = resources(ARGS, "Instance")
    assert machines.keys() == {"gpu-one", "gpu-two"}
    for name, inputs in machines.items():
        assert inputs["types"] == ["gpu_1x_a10", "gpu_1x_a100"]
        assert inputs["regions"] == ["us-east-1", "us-west-1"]
        assert inputs["firewall_rulesets"] == {
            "us-east-1": ["id-of-gpu-us-east-1"],
            "us-west-1": ["id-of-gpu-us-west-1"],
        }
        assert inputs["mark"] == "test-0123"
        assert inputs["machine"] == name.removeprefix("gpu-")
        assert inputs["name"] == f"test-{inputs['machine']}"
    assert machines["gpu-two"]["hostname"] == "second"


def test_user_data_is_a_secret_even_if_it_was_not_given_as_one() -> None:
    assert all(is_secret(inputs["user_data"]) for inputs in resources(ARGS, "Instance").values())


def test_each_region_has_a_rule_set_under_the_claim_s_mark() -> None:
    rule = {"protocol": "udp", "source_network": "203.0.113.7/32", "description": "wireguard"}
    for region in ARGS.regions:
        ruleset = resources(ARGS, "FirewallRuleset")[f"gpu-{region}"]
        assert (ruleset["name"], ruleset["region"]) == (f"test-0123-{region}", region)
        assert ruleset["rules"] == [{**rule, "port_range": [51820, 51820]}]


def test_another_key_has_another_name_so_that_both_can_be_there() -> None:
    (key,) = resources(ARGS, "SshKey").values()
    assert key["name"] == key_name("test-0123", PUBLIC_KEY)
    assert key["name"] != key_name("test-0123", "ssh-ed25519 BBBB operator")
    assert key["name"].startswith("test-0123-")


def test_file_systems_are_in_the_one_region_and_protected() -> None:
    args = replace(ARGS, regions=["us-east-1"], file_systems={"/data/models": "models"})
    (file_system,) = resources(args, "FileSystem").values()
    assert (file_system["name"], file_system["region"]) == ("test-0123-models", "us-east-1")
    assert resources(args, "Instance")["gpu-one"]["file_systems"] == {"/data/models": "id-of-gpu-models"}


def test_file_systems_in_several_regions_are_refused() -> None:
    with pytest.raises(pulumi.RunError, match="file systems are in one region, and `regions` lists 2; list one"):
        deploy(lambda: LambdaLabsHosts("gpu", replace(ARGS, file_systems={"/data": "models"})))
