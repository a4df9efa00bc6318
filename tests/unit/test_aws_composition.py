"""What a stack on AWS is made of: the committed one of prod, in an account of moto's."""

import base64
import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import boto3
import pulumi
import pytest
from pulumi.runtime import mocks

from components.hosts.machine_keys import machine_keys
from dev.plugins.aws.account import Account
from dev.plugins.aws.images import REGISTRY_LOGIN, registry_login
from stacks.config import StackConfig
from stacks.fleet import Exports, build_fleet
from stacks.images import read_images
from stacks.load import Stack
from stacks.problems import StackFile
from tests.components.moto_engine import REGION, MotoEngine, aws_account
from tests.components.recording_engine import RecordingEngine, deploy, is_secret, plain_texts

from .stack_files import ROOT, parse_file

pytestmark = pytest.mark.timeout(180)  # the first test makes all there is
OURS = {"time", "fetch", "memory", "gateway"}


class StackEngine(MotoEngine):
    """Answers what a stack asks of AWS besides, and notes through which provider each resource goes."""

    def __init__(self) -> None:
        super().__init__()
        self.providers: dict[str, set[str]] = {}

    def new_resource(self, args: mocks.MockResourceArgs) -> tuple[str, dict[str, Any]]:
        package = args.typ.partition(":")[0]
        self.providers.setdefault(package, set()).add((args.provider or "").rpartition("::")[0])
        return super().new_resource(args)

    def call(self, args: mocks.MockCallArgs) -> tuple[dict[str, Any], list[tuple[str, str]] | None]:
        assert args.token == REGISTRY_LOGIN
        return login(), []


@dataclass
class Deployed:
    engine: StackEngine
    outputs: Mapping[str, Any]
    home: Path
    exports: list[Exports] = field(default_factory=list)

    def service(self, name: str) -> Any:
        return self.engine.one("service:Service", name).inputs["taskSpec"]


def login() -> dict[str, Any]:
    return dict(registry_login(Account(REGION, "test", "test"), {}))


def token() -> str:
    return str(login()["password"])


def text(account: Mapping[str, Any]) -> str:
    """Return the committed stack with the ids of this account."""
    found = (ROOT / "Pulumi.prod.yaml").read_text().replace("us-east-1", REGION)
    for pattern, ours in ((r"ami-0123456789abcdef0", account["images"]["x86_64"]), (r"Z0\w+", account["hosted_zone"])):
        found = re.sub(pattern, ours, found)
    return found


def built(config: StackConfig) -> Exports:
    none: pulumi.Output[Mapping[str, Mapping[str, str]]] = pulumi.Output.secret({})
    stack = Stack(
        name="prod", root=ROOT, file=StackFile("Pulumi.prod.yaml", ""), config=config, secrets=none, reviewed_tools={}
    )
    return build_fleet(stack, read_images(ROOT), "")


@pytest.fixture(scope="module")
def prod(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Deployed]:
    home = tmp_path_factory.mktemp("home")
    with pytest.MonkeyPatch.context() as monkeypatch, aws_account(monkeypatch) as account:
        monkeypatch.setenv("HOME", str(home))
        config = parse_file(text(account), stack="prod")
        exports: list[Exports] = []

        engine = StackEngine()
        _, outputs = deploy(lambda: exports.append(built(config)), engine)
        yield Deployed(engine, outputs, home, exports)


def test_all_machines_are_one_swarm_and_one_of_them_has_the_volumes(prod: Deployed) -> None:
    nodes = {name: node.inputs for name, node in prod.engine.of_type(":SwarmNode").items()}
    assert {name: node["role"] for name, node in nodes.items()} == {
        **dict.fromkeys(("manager-1", "manager-2", "manager-3"), "manager"),
        **dict.fromkeys(("worker-1", "worker-2"), "worker"),
    }
    assert {node["labels"]["place"] for node in nodes.values()} == {"aws"}
    assert {name for name, node in nodes.items() if node["labels"]["group"] == "worker"} == {"worker-1", "worker-2"}
    assert [name for name, node in nodes.items() if node["labels"].get("data")] == ["manager-1"]
    assert nodes["manager-1"]["address_pools"] == ["10.200.0.0/16"]


def test_docker_is_reached_on_the_first_manager_that_answers_by_the_stack_s_own_key(prod: Deployed) -> None:
    provider = prod.engine.one("pulumi:providers:docker", "docker").inputs
    managers = [prod.engine.one(":SwarmNode", f"manager-{number}").inputs["host"] for number in (1, 2, 3)]
    assert provider["host"] == "ssh://fleet@managers"
    keys = machine_keys("password-of-ssh-key")
    folder = prod.home / ".cache/mcp-fleet/ssh/prod"
    assert (folder / "key").read_text() == keys.ssh_private
    assert (folder / "known_host").read_text() == "".join(f"host {it['host_key']}\n" for it in managers)
    assert (folder / "managers").read_text().split() == [manager["address"] for manager in managers]
    for instance in prod.engine.of_type("instance:Instance").values():
        assert keys.ssh_public in instance.inputs["userData"]["value"]


def test_each_resource_goes_through_a_provider_of_the_stack_s_own(prod: Deployed) -> None:
    for package, name in (("aws", "aws"), ("docker", "docker"), ("pulumi-python", "swarm")):
        (urn,) = prod.engine.providers[package]
        assert urn.endswith(f"pulumi:providers:{package}::{name}")


def test_what_is_on_the_machines_is_deleted_with_them(prod: Deployed) -> None:
    (machines,) = set(prod.engine.deleted_with.values())
    assert machines.endswith("mcp-fleet:hosts:AwsHosts::aws")
    on_machines = {"Swarm", "OverlayNetwork", "Consul", "Redis", "Monitoring", "Gateway", "McpServer"}
    assert {kind.rpartition(":")[2] for kind in prod.engine.deleted_with} == on_machines


def test_every_image_goes_to_a_repository_of_its_own(prod: Deployed) -> None:
    repositories = boto3.client("ecr", region_name=REGION).describe_repositories()["repositories"]
    urls = {repository["repositoryName"]: repository["repositoryUri"] for repository in repositories}
    assert urls.keys() == {f"mcp-fleet-prod/{name}" for name in OURS}
    images = prod.engine.of_type("docker-build:index:Image")
    assert images.keys() == OURS
    for name, image in images.items():
        (tag,) = image.inputs["tags"]
        assert re.fullmatch(rf"{re.escape(urls[f'mcp-fleet-prod/{name}'])}:[a-z0-9.-]*[0-9a-f]{{12}}", tag)
        assert image.inputs["platforms"] == ["linux/amd64"]
        assert prod.service(name)["containerSpec"]["image"].startswith(f"{tag}@sha256:")


def test_there_is_no_registry_of_the_stack_s_own_and_nobody_looks_for_it(prod: Deployed) -> None:
    assert "registry" not in prod.engine.of_type("service:Service")
    (config,) = (found.inputs for name, found in prod.engine.of_type("ServiceConfig").items() if "prometheus" in name)
    told = base64.b64decode(config["data"]).decode() if "data" in config else config["dataRaw"]
    assert "consul:8500" in told
    assert "registry" not in told


@pytest.mark.parametrize(
    ("service", "constraints"),
    [
        ("time", None),
        ("fetch", ["node.labels.group == worker"]),
        ("memory", ["node.labels.data == true"]),
        ("consul", ["node.labels.data == true"]),
        ("redis", ["node.labels.data == true"]),
        ("prometheus", ["node.labels.data == true"]),
        ("gateway", None),
    ],
)
def test_services_run_where_they_are_placed_and_where_their_volumes_are(
    prod: Deployed, service: str, constraints: list[str] | None
) -> None:
    assert prod.service(service).get("placement", {}).get("constraints") == constraints


def test_there_are_two_gateways_in_zones_of_their_own_that_leave_later_than_the_load_balancer_sees(
    prod: Deployed,
) -> None:
    inputs = prod.engine.one("service:Service", "gateway").inputs
    assert inputs["mode"] == {"replicated": {"replicas": 2}}
    assert inputs["taskSpec"]["placement"]["prefs"] == ["node.labels.zone"]
    check = prod.engine.one("targetGroup:TargetGroup", "aws").inputs["healthCheck"]
    noticed = check["interval"] * check["unhealthyThreshold"]
    assert int(inputs["taskSpec"]["containerSpec"]["env"]["MCP_GATEWAY_NOTICE_SECONDS"]) > noticed


def test_the_gateway_listens_where_the_load_balancer_looks(prod: Deployed) -> None:
    (port,) = prod.engine.one("service:Service", "gateway").inputs["endpointSpec"]["ports"]
    group = prod.engine.one("targetGroup:TargetGroup", "aws").inputs
    assert (port["publishedPort"], port["publishMode"]) == (group["port"], "host")
    assert prod.exports[0].gateway == "https://mcp.example.com"
    assert prod.exports[0].urls["time"] == "https://mcp.example.com/time/mcp"


def test_what_costs_money_says_whose_it_is(prod: Deployed) -> None:
    for kind in ("instance:Instance", "key:Key", "bucket:Bucket", "repository:Repository"):
        for found in prod.engine.of_type(kind).values():
            assert found.inputs["tags"]["mcp-fleet.stack"] == "prod"


def test_nothing_secret_is_registered_in_plain(prod: Deployed) -> None:
    secrets = (token(), "BEGIN OPENSSH PRIVATE KEY", "password-of-")
    seen = [(f"{item.type} {item.name}", plain_texts(item.inputs)) for item in prod.engine.resources]
    seen += [(urn, plain_texts(values)) for urn, values in prod.outputs.items()]
    for where, texts in seen:
        assert not any(secret in text for secret in secrets for text in texts), f"a secret is in plain in {where}"
    for node in prod.engine.of_type(":SwarmNode").values():
        assert is_secret(node.inputs["private_key"])
    (auth,) = auths(prod.engine.one("pulumi:providers:docker", "docker").inputs["registryAuth"])
    assert auth["password"] == token()


def auths(value: Any) -> Any:
    """Return what a provider is told, which goes over the wire as JSON, a secret as a whole."""
    assert is_secret(value)
    return json.loads(value["value"])


class PlainEngine(RecordingEngine):
    """Makes nothing, and has one login for the registry."""

    def call(self, args: mocks.MockCallArgs) -> tuple[dict[str, Any], list[tuple[str, str]] | None]:
        return {"userName": "AWS", "password": "token"}, []


def test_a_new_server_changes_what_hosts_may_pull_and_nothing_else(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))

    def made(text: str) -> dict[tuple[str, str], Any]:
        engine, _ = deploy(lambda: (built(parse_file(text, stack="prod")), None)[1], PlainEngine())
        return {(item.type, item.name): item.inputs for item in engine.resources}

    committed = (ROOT / "Pulumi.prod.yaml").read_text()
    before = made(committed)
    after = made(
        committed.replace("  mcp-fleet:clients:", "    git: pypi:mcp-server-git@2026.10.19\n  mcp-fleet:clients:")
    )
    changed = {key for key, inputs in before.items() if after[key] != inputs}
    assert changed == {("aws:iam/rolePolicy:RolePolicy", "aws")}
    assert {name for _, name in after.keys() - before.keys()} == {"git", "aws-git", "git-gateway-token"}
