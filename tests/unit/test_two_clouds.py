"""What a stack over AWS and Lambda Labs is made of: the committed one of prod, with machines of the other cloud."""

from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.components.recording_engine import RecordingEngine, deploy, is_secret, plain_texts

from .stack_files import ROOT, parse_file
from .test_aws_composition import PlainEngine, built

LAMBDA_LABS = "    lambda_labs: {regions: [us-west-1, us-east-1], types: [gpu_1x_a10, gpu_1x_gh200], count: 2}\n"
PLACED = """\
    on-gpus: {source: pypi:mcp-server-git@2026.10.19, place: gpu}
    over-there: {source: pypi:mcp-server-git@2026.10.19, place: lambda_labs}
"""
SPREAD = ["node.labels.place", "node.labels.zone"]
AWS = ("manager-1", "manager-2", "manager-3", "worker-1", "worker-2")
LAMBDA = ("lambda-1", "lambda-2")


def made(text: str) -> RecordingEngine:
    engine, _ = deploy(lambda: (built(parse_file(text, stack="prod")), None)[1], PlainEngine())
    return engine


def committed(hosts: str = "", servers: str = "") -> str:
    text = (ROOT / "Pulumi.prod.yaml").read_text()
    return text.replace("  mcp-fleet:servers:\n", f"{hosts}  mcp-fleet:servers:\n{servers}")


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> RecordingEngine:
    with pytest.MonkeyPatch.context() as monkeypatch:
        monkeypatch.setenv("HOME", str(tmp_path_factory.mktemp("home")))
        return made(committed(LAMBDA_LABS, PLACED))


def nodes(engine: RecordingEngine) -> dict[str, Any]:
    return {name: node.inputs for name, node in engine.of_type(":SwarmNode").items()}


def placement(engine: RecordingEngine, name: str) -> Any:
    return engine.one("service:Service", name).inputs["taskSpec"].get("placement", {})


def test_machines_of_both_clouds_are_one_swarm_at_their_addresses_in_the_tunnel(stack: RecordingEngine) -> None:
    found = nodes(stack)
    assert set(found) == {*AWS, *LAMBDA}
    ends = {name.removeprefix("tunnel-"): end.inputs for name, end in stack.of_type(":TunnelEnd").items()}
    assert {name: node["advertise_address"] for name, node in found.items()} == {
        name: end["address"] for name, end in ends.items()
    }
    for name in LAMBDA:
        assert (found[name]["role"], found[name]["host"]["user"]) == ("worker", "fleet")
        assert found[name]["labels"] == {"place": "lambda_labs", "gpu": "true", "group": "lambda"}
        assert len(ends[name]["peers"]) == len(found) - 1
    assert "gpu" not in found["worker-1"]["labels"]


def test_containers_packets_fit_into_the_tunnel(stack: RecordingEngine) -> None:
    assert stack.one("network:Network", "prod").inputs["options"] == {"com.docker.network.driver.mtu": "1420"}


def test_only_the_tunnel_s_port_is_open_between_the_clouds_and_to_those_machines_alone(stack: RecordingEngine) -> None:
    ingress = [rule.inputs for rule in stack.of_type("SecurityGroupIngressRule").values()]
    udp = [rule for rule in ingress if rule["ipProtocol"] == "udp"]
    assert {rule["fromPort"] for rule in udp} == {51820}
    assert [rule.get("cidrIpv4") for rule in udp].count("203.0.113.9/32") == len(LAMBDA)
    assert "2377" not in str([rule["fromPort"] for rule in ingress])
    for ruleset in stack.of_type("FirewallRuleset").values():
        rules = [(rule["protocol"], rule["source_network"], rule["port_range"]) for rule in ruleset.inputs["rules"]]
        assert rules[0] == ("tcp", "203.0.113.0/24", [22, 22])
        assert rules[1:] == [("udp", "198.51.100.1/32", [51820, 51820])] * len(AWS)


def test_user_data_makes_hosts_of_them_and_has_nothing_that_rotates(stack: RecordingEngine) -> None:
    keys = {end.inputs["tunnel_key"]["value"] for end in stack.of_type(":TunnelEnd").values()}
    for instance in stack.of_type("lambda-labs:Instance").values():
        assert is_secret(instance.inputs["user_data"])
        text = instance.inputs["user_data"]["value"]
        told = yaml.safe_load(text)
        assert told["users"][0]["name"] == "fleet"
        assert "/usr/local/sbin/fleet-tunnel" in {file["path"] for file in told["write_files"]}
        assert not any(key in text for key in keys)


def test_another_number_of_keys_changes_keys_and_no_machine(
    stack: RecordingEngine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    rotated = made(committed(LAMBDA_LABS + "    tunnel: {keys: 2}\n", PLACED))
    before, after = ({(item.type, item.name): item.inputs for item in engine.resources} for engine in (stack, rotated))
    changed = {key for key, inputs in before.items() if after[key] != inputs}
    assert changed == {("random:index/randomPassword:RandomPassword", f"tunnel-{name}") for name in (*AWS, *LAMBDA)}, (
        "whose new values then reach the ends"
    )


@pytest.mark.parametrize(
    ("service", "constraints", "spread"),
    [
        ("time", None, SPREAD),
        ("fetch", ["node.labels.group == worker"], SPREAD),
        ("memory", ["node.labels.data == true"], None),
        ("on-gpus", ["node.labels.gpu == true"], SPREAD),
        ("over-there", ["node.labels.place == lambda_labs"], SPREAD),
        ("gateway", ["node.labels.place == aws"], SPREAD),
    ],
)
def test_services_run_where_they_are_placed_spread_over_clouds_and_zones(
    stack: RecordingEngine, service: str, constraints: list[str] | None, spread: list[str] | None
) -> None:
    found = placement(stack, service)
    assert (found.get("constraints"), found.get("prefs")) == (constraints, spread)


def test_images_are_for_the_processors_of_all_machines(stack: RecordingEngine) -> None:
    for image in stack.of_type("docker-build:index:Image").values():
        assert image.inputs["platforms"] == ["linux/amd64", "linux/arm64"]


def test_each_resource_goes_through_a_provider_of_the_stack_s_own(stack: RecordingEngine) -> None:
    names = set(stack.of_type("pulumi:providers:pulumi-python"))
    assert names == {"swarm", "tunnel", "lambda-labs"}


def test_nothing_secret_is_registered_in_plain(stack: RecordingEngine) -> None:
    secrets = (
        "BEGIN OPENSSH PRIVATE KEY",
        "password-of-",
        *(end.inputs["tunnel_key"]["value"] for end in stack.of_type(":TunnelEnd").values()),
    )
    for item in stack.resources:
        texts = plain_texts(item.inputs)
        assert not any(secret in text for secret in secrets for text in texts), f"{item.type} {item.name}"


def test_without_the_other_cloud_nothing_of_it_is_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    alone = made(committed())
    assert not alone.of_type(":TunnelEnd")
    assert not alone.of_type("AwsTunnelOpenings")
    assert "options" not in alone.one("network:Network", "prod").inputs
    assert placement(alone, "time")["prefs"] == ["node.labels.zone"]
    assert {node["advertise_address"] for node in nodes(alone).values()} == {"10.80.0.5"}
    with_one = made(committed("    tunnel: {}\n"))
    assert len(with_one.of_type(":TunnelEnd")) == len(AWS)
    assert not with_one.of_type("lambda-labs:Instance")
