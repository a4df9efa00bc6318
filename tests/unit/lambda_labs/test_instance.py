"""What a change of a machine's inputs does, and which inputs are refused."""

import base64
from typing import Any

import pytest
from pulumi.dynamic.dynamic import serialize_provider
from pulumi.output import UNKNOWN
from pulumi.runtime import rpc

from components.providers.lambda_labs.claim import ClaimProvider
from components.providers.lambda_labs.file_system import FileSystemProvider
from components.providers.lambda_labs.firewall import RulesetProvider, rule_problems
from components.providers.lambda_labs.instance import InstanceProvider, changes, launch_body, outputs, wanted
from components.providers.lambda_labs.instance_inputs import problems
from components.providers.lambda_labs.leftovers import LeftoversProvider
from components.providers.lambda_labs.models import Instance
from components.providers.lambda_labs.ssh_key import SshKeyProvider

PROVIDERS: dict[type[Any], str] = {
    ClaimProvider: "claim",
    LeftoversProvider: "leftovers",
    InstanceProvider: "instance",
    SshKeyProvider: "ssh_key",
    RulesetProvider: "firewall",
    FileSystemProvider: "file_system",
}
"""Every provider, and the module that it is in for ever."""
INPUTS: dict[str, Any] = {
    "name": "prod-one",
    "machine": "one",
    "mark": "prod-0123",
    "key": "key-of-the-fingerprints",
    "types": ["gpu_1x_a10", "gpu_1x_a100"],
    "regions": ["us-east-1", "us-west-1"],
    "image": "",
    "user_data": "canary",
    "hostname": "",
    "ssh_key": "prod-0123-abcd",
    "ssh_port": 22,
    "firewall_rulesets": {"us-east-1": ["1"], "us-west-1": ["2"]},
    "file_systems": {},
    "tags": {},
}
MACHINE = Instance.model_validate(
    {
        "id": "0a",
        "name": "prod-one",
        "status": "active",
        "region": {"name": "us-west-1"},
        "instance_type": {"name": "gpu_1x_a10", "price_cents_per_hour": 75},
        "ip": "203.0.113.1",
        "private_ip": "10.0.0.1",
    }
)
STATE = outputs(INPUTS, MACHINE, [])


def changed(**inputs: object) -> tuple[bool | None, list[str] | None]:
    result = changes(STATE, {**INPUTS, **inputs})
    return result.changes, result.replaces


def test_the_state_repeats_no_secret() -> None:
    assert "canary" not in str(STATE)
    assert INPUTS["key"] not in str(STATE)


def test_the_same_inputs_are_no_change() -> None:
    assert changed() == (False, [])


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("user_data", "another"),
        ("image", "lambda-stack-24-04"),
        ("hostname", "one"),
        ("ssh_key", "prod-0123-ef01"),
        ("file_systems", {"/data": "3"}),
        ("tags", {"team": "search"}),
        ("mark", "prod-4567"),
        ("machine", "two"),
        ("types", ["gpu_1x_a100"]),
        ("regions", ["us-east-1"]),
        ("user_data", rpc.UNKNOWN),
        ("firewall_rulesets", {"us-east-1": ["1"], "us-west-1": ["3"]}),
        ("firewall_rulesets", {"us-east-1": ["1"], "us-west-1": [rpc.UNKNOWN]}),
        ("firewall_rulesets", rpc.UNKNOWN),
    ],
)
def test_what_only_a_launch_can_give_replaces_the_machine_which_goes_first(name: str, value: object) -> None:
    result = changes(STATE, {**INPUTS, name: value})
    assert result.replaces == [name]
    assert result.changes
    assert result.delete_before_replace


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("name", "renamed"),
        ("types", ["gpu_1x_a100", "gpu_1x_a10", "gpu_1x_h100_pcie"]),
        ("regions", ["us-west-1"]),
        ("ssh_port", 2222),
        ("firewall_rulesets", {"us-west-1": ["2"]}),
        ("firewall_rulesets", {"us-west-1": ["2"], "us-west-2": [rpc.UNKNOWN]}),
    ],
)
def test_what_leaves_a_machine_where_it_is_does_not_replace_it(name: str, value: object) -> None:
    assert changed(**{name: value}) == (True, [])


def test_an_unhealthy_machine_is_replaced() -> None:
    assert changes({**STATE, "status": "unhealthy"}, INPUTS).replaces == ["status"]


def test_a_launch_asks_for_the_rule_sets_of_its_region_and_for_nothing_that_is_empty() -> None:
    body = launch_body({**INPUTS, "image": "ubuntu-22-04", "file_systems": {"/data": "3"}}, "us-west-1")
    assert body == {
        "ssh_key_names": ["prod-0123-abcd"],
        "user_data": "canary",
        "image": {"family": "ubuntu-22-04"},
        "file_system_mounts": [{"mount_point": "/data", "file_system_id": "3"}],
        "firewall_rulesets": [{"id": "2"}],
    }
    assert launch_body(INPUTS, "us-east-1").keys() == {
        "ssh_key_names",
        "user_data",
        "file_system_mounts",
        "firewall_rulesets",
    }


def test_the_spec_says_whether_a_machine_is_the_one_to_have_and_nothing_else() -> None:
    spec = wanted(INPUTS).spec("us-west-1")
    assert wanted({**INPUTS, "name": "renamed", "types": []}).spec("us-west-1") == spec
    assert wanted({**INPUTS, "user_data": "another"}).spec("us-west-1") != spec
    assert wanted({**INPUTS, "key": "another"}).spec("us-west-1") != spec, "nobody can try guesses of user data"
    assert len(spec) <= 128, "it is a tag"


def test_good_inputs_have_no_problems_and_unknown_ones_are_not_judged() -> None:
    assert problems(INPUTS) == []
    assert problems(dict.fromkeys(INPUTS, rpc.UNKNOWN)) == []


@pytest.mark.parametrize(
    "provider",
    [InstanceProvider, ClaimProvider, LeftoversProvider, SshKeyProvider, RulesetProvider, FileSystemProvider],
)
def test_a_preview_may_know_nothing_yet(provider: type[Any], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LAMBDA_API_KEY", "key")
    names = [*INPUTS, "label", "public_key", "rules", "region"]
    result = provider().check({}, dict.fromkeys(names, UNKNOWN))
    assert result.failures == []
    assert set(result.inputs.values()) == {rpc.UNKNOWN}, "as Pulumi writes it"


@pytest.mark.parametrize(
    ("name", "value", "problem"),
    [
        ("name", "x" * 65, "must have 1 to 64 characters"),
        ("types", [], "types: list at least one, such as gpu_1x_a10"),
        ("regions", [], "regions: list at least one, such as us-east-1"),
        ("regions", ["us-south-1"], "us-south-1 must not be listed: Lambda's firewall rules don't apply there"),
        ("user_data", "é" * 500_001, "user_data: has 1000002 bytes, and Lambda takes 1000000"),
        ("hostname", "-one", "hostname: '-one' must have up to 63 of a-z, 0-9 and -"),
        ("tags", {"Team": "x"}, "tags: the key 'Team' must have 2 to 55 of a-z"),
        ("tags", {"team": "x" * 129}, "tags: the value of 'team' has more than 128 characters"),
        ("file_systems", {"/mnt": "1"}, "file_systems: '/mnt' must be below /home, /lambda/nfs or /data"),
    ],
)
def test_an_input_that_the_api_refuses_is_told_by_name(name: str, value: object, problem: str) -> None:
    (found,) = problems({**INPUTS, name: value})
    assert problem in found
    assert "canary" not in found


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        ({"protocol": "esp"}, "there is no protocol 'esp'; there is tcp, udp, icmp, all"),
        ({"port_range": None}, "ports are for every protocol but icmp"),
        ({"protocol": "icmp"}, "ports are for every protocol but icmp"),
        ({"port_range": [443, 80]}, "ports 443 to 80 are no range"),
        ({"port_range": [0, 80]}, "ports 0 to 80 are no range"),
        ({"source_network": "203.0.113.7"}, "write the source with its mask: 203.0.113.7/32"),
        ({"source_network": "203.0.113.7/24"}, "is no IPv4 network: 203.0.113.7/24 has host bits set"),
        ({"source_network": "::/0"}, "is no IPv4 network"),
        ({"description": "x" * 129}, "more than 128 characters"),
    ],
)
def test_a_firewall_rule_that_the_api_refuses_is_told(change: dict[str, Any], problem: str) -> None:
    rule = {"protocol": "tcp", "port_range": [443, 443], "source_network": "0.0.0.0/0", "description": "https"}
    assert rule_problems(rule) == []
    (found,) = rule_problems(rule | change)
    assert problem in found


@pytest.mark.parametrize("provider", PROVIDERS)
def test_what_pulumi_stores_of_a_provider_never_changes_and_holds_no_value(provider: type[Any]) -> None:
    """States of older versions name these classes: without them, nothing of theirs could be deleted."""
    stored = base64.b64decode(serialize_provider(provider()))
    assert f"components.providers.lambda_labs.{PROVIDERS[provider]}".encode() in stored
    assert provider.__name__.encode() in stored
    assert len(stored) < 150, "it refers to the class, and carries neither code nor values"
