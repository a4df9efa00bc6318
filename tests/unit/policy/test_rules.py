"""The policy pack: each rule broken on purpose, and each component of ours in order."""

import base64
import gzip
import json
from collections.abc import Mapping
from typing import Any

import pytest
from pulumi_policy import (
    PolicyResource,
    ResourceValidationArgs,
    ResourceValidationPolicy,
    StackValidationArgs,
    StackValidationPolicy,
)
from pulumi_policy.deserialize import deserialize_properties
from pulumi_policy.policy import PolicyCustomTimeouts, PolicyResourceOptions
from pulumi_policy.proxy import UNKNOWN_STRING_VALUE, unknown_checking_proxy

from policy.network import is_world
from policy.rules import RULES
from tests.components.examples import TOKENS
from tests.components.recording_engine import deploy

SERVICE = "docker:index/service:Service"
IMAGE = "docker-build:index:Image"
GROUP = "aws:ec2/securityGroup:SecurityGroup"
GROUP_RULE = "aws:ec2/securityGroupRule:SecurityGroupRule"
INGRESS = "aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule"
FIREWALL = "pulumi-python:dynamic/lambda-labs:FirewallRuleset"
INSTANCE = "aws:ec2/instance:Instance"
MACHINE = "pulumi-python:dynamic/lambda-labs:Instance"
TEMPLATE = "aws:ec2/launchTemplate:LaunchTemplate"
BUCKET = "aws:s3/bucket:Bucket"
ENCRYPTION = "aws:s3/bucketServerSideEncryptionConfiguration:BucketServerSideEncryptionConfiguration"
PINNED = "docker.io/library/redis:8@sha256:" + "a" * 64
WORLD = {"protocol": "tcp", "fromPort": 22.0, "toPort": 22.0, "cidrBlocks": ["0.0.0.0/0"]}
CANARY = "canary-5d1c"
RULE = {rule.name: rule for rule in RULES}


def options(*, protect: bool = False) -> PolicyResourceOptions:
    return PolicyResourceOptions(protect, [], None, [], PolicyCustomTimeouts(0, 0, 0), [])


def violations(
    rule: str, kind: str, props: Mapping[str, Any], *, stack: str = "dev", protect: bool = False
) -> list[str]:
    """Return what a rule says of a resource, the properties of which come as the engine sends them."""
    policy = RULE[rule]
    assert isinstance(policy, ResourceValidationPolicy)
    said: list[str] = []

    def report(message: str, urn: str | None = None) -> None:
        said.append(message)

    proxied = unknown_checking_proxy(deserialize_properties(dict(props)))
    urn = f"urn:pulumi:{stack}::mcp-fleet::{kind}::it"
    args = ResourceValidationArgs(kind, proxied, urn, "it", options(protect=protect), None, {})
    assert policy.validate(args, report) is None
    return said


def service(**changes: Any) -> dict[str, Any]:
    """A service that is in order, with other keys in its container, or none where a key is None."""
    container = {"image": PINNED, "env": {"TOKEN_FILE": "/run/secrets/x"}, "healthcheck": {"tests": ["CMD", "true"]}}
    limits = {"nanoCpus": 1e9, "memoryBytes": 2.0**28}
    return {
        "labels": [{"label": "mcp-fleet.stack", "value": "dev"}],
        "taskSpec": {
            "containerSpec": {key: value for key, value in (container | changes).items() if value is not None},
            "resources": {"limits": changes.get("limits", limits)},
        },
    }


def packed(content: bytes) -> str:
    return base64.b64encode(content).decode()


def written(path: str, content: str) -> bytes:
    """User data that writes a file."""
    return f"#cloud-config\nwrite_files: [{{path: {path}, content: {json.dumps(content)}}}]\n".encode()


BROKEN: list[tuple[str, str, dict[str, Any]]] = [
    ("image-digest-pinned", SERVICE, service(image="docker.io/library/redis:8")),
    ("image-digest-pinned", IMAGE, {"buildArgs": {"PYTHON": "python:3.13"}}),
    ("image-registry-approved", SERVICE, service(image=PINNED.replace("docker.io/library", "ghcr.io/somebody"))),
    ("image-registry-approved", SERVICE, service(image="somebody/redis@sha256:" + "a" * 64)),
    ("no-plain-secret", SERVICE, service(env={"SLACK_BOT_TOKEN": CANARY})),
    ("no-plain-secret", SERVICE, service(env={"STORE": f"redis://user:{CANARY}@redis:6379"})),
    ("no-plain-secret", SERVICE, service(args=["--auth", "ghp_" + "a" * 36])),
    ("no-plain-secret", IMAGE, {"buildArgs": {"NPM_TOKEN": CANARY}}),
    (
        "no-plain-secret",
        "docker:index/serviceConfig:ServiceConfig",
        {"data": base64.b64encode(b"-----BEGIN RSA PRIVATE KEY-----").decode()},
    ),
    ("no-plain-secret", "aws:ssm/parameter:Parameter", {"type": "String", "name": "/db_password", "value": CANARY}),
    ("no-plain-secret", INSTANCE, {"userData": f"#!/bin/sh\nexport SLACK_BOT_TOKEN='{CANARY}'\n"}),
    ("no-plain-secret", INSTANCE, {"userData": f"#cloud-config\nusers: [{{name: x, passwd: {CANARY}}}]\n"}),
    ("no-plain-secret", INSTANCE, {"userDataBase64": packed(gzip.compress(b"curl -H 'x: ghp_" + b"a" * 36))}),
    ("no-plain-secret", TEMPLATE, {"userData": packed(written("/etc/key", "-----BEGIN RSA PRIVATE KEY-----"))}),
    ("no-plain-secret", MACHINE, {"user_data": written("/etc/env", packed(f"API_KEY={CANARY}".encode())).decode()}),
    ("service-limits", SERVICE, service(limits={"memoryBytes": 2.0**28})),
    ("service-limits", SERVICE, service(limits={"nanoCpus": 1e9, "memoryBytes": 0.0})),
    ("service-health-check", SERVICE, service(healthcheck=None)),
    ("service-health-check", SERVICE, service(healthcheck={"tests": ["NONE"]})),
    ("world-reaches-443-only", GROUP, {"ingress": [WORLD]}),
    ("world-reaches-443-only", GROUP, {"ingress": [WORLD | {"protocol": "-1", "fromPort": 0.0, "toPort": 0.0}]}),
    ("world-reaches-443-only", GROUP, {"ingress": [WORLD | {"cidrBlocks": [], "ipv6CidrBlocks": ["::/0"]}]}),
    ("world-reaches-443-only", GROUP, {"ingress": [WORLD | {"fromPort": 443.0, "toPort": 8443.0}]}),
    ("world-reaches-443-only", GROUP_RULE, {"type": "ingress", **WORLD}),
    ("world-reaches-443-only", INGRESS, {"ipProtocol": "-1", "cidrIpv4": "0.0.0.0/0"}),
    (
        "world-reaches-443-only",
        FIREWALL,
        {"rules": [{"protocol": "udp", "port_range": [51820.0, 51820.0], "source_network": "128.0.0.0/1"}]},
    ),
    ("volumes-encrypted", "aws:ebs/volume:Volume", {"size": 10.0}),
    ("volumes-encrypted", INSTANCE, {"rootBlockDevice": {"volumeSize": 20.0}}),
    ("volumes-encrypted", INSTANCE, {"rootBlockDevice": {"encrypted": True}, "ebsBlockDevices": [{}]}),
    ("volumes-encrypted", TEMPLATE, {"blockDeviceMappings": [{"ebs": {"encrypted": "false"}}]}),
    ("volumes-encrypted", TEMPLATE, {}),
    ("tags", INSTANCE, {"tags": {"Name": "manager-1"}}),
    ("tags", SERVICE, service() | {"labels": []}),
]
GOOD: list[tuple[str, str, dict[str, Any]]] = [
    ("image-registry-approved", SERVICE, service(image="redis@sha256:" + "a" * 64)),
    ("no-plain-secret", SERVICE, service(env={"TOKEN_FILE": "/run/secrets/x", "TOKENS": "4096", "PASSWORD": ""})),
    ("no-plain-secret", "aws:ssm/parameter:Parameter", {"type": "SecureString", "name": "/password", "value": CANARY}),
    ("no-plain-secret", INSTANCE, {"userData": "#!/bin/sh\nTOKEN=$(aws ssm get-parameter)\nPASSWORD=/run/secrets/x\n"}),
    (
        "no-plain-secret",
        INSTANCE,
        {"userData": "#cloud-config\nssh_keys: {rsa_private: -----BEGIN PRIVATE KEY-----}\n"},
    ),
    ("no-plain-secret", TEMPLATE, {"userData": "not base64: {"}),
    ("world-reaches-443-only", GROUP, {"ingress": [WORLD | {"fromPort": 443.0, "toPort": 443.0}]}),
    ("world-reaches-443-only", GROUP, {"ingress": [WORLD | {"cidrBlocks": ["10.0.0.0/8"]}], "egress": [WORLD]}),
    ("world-reaches-443-only", GROUP_RULE, {"type": "egress", **WORLD}),
    ("volumes-encrypted", INSTANCE, {"launchTemplate": {"id": "lt-1"}}),
    ("volumes-encrypted", TEMPLATE, {"blockDeviceMappings": [{"ebs": {"encrypted": "true"}}]}),
    ("tags", INSTANCE, {"tags": {"Name": "manager-1"}, "tagsAll": {"mcp-fleet.stack": "prod"}}),
    ("image-digest-pinned", SERVICE, service(image=UNKNOWN_STRING_VALUE)),
]


@pytest.mark.parametrize(("rule", "kind", "props"), BROKEN)
def test_what_breaks_a_rule_is_reported_without_the_value(rule: str, kind: str, props: dict[str, Any]) -> None:
    said = violations(rule, kind, props)
    assert len(said) == 1
    assert CANARY not in said[0]


@pytest.mark.parametrize(("rule", "kind", "props"), GOOD)
def test_what_is_in_order_or_not_known_yet_is_let_pass(rule: str, kind: str, props: dict[str, Any]) -> None:
    assert violations(rule, kind, props) == []


def test_state_of_prod_must_be_protected() -> None:
    rule, volume = "prod-state-protected", "docker:index/volume:Volume"
    assert "mcp-fleet:protect: true" in violations(rule, volume, {}, stack="prod")[0]
    assert violations(rule, volume, {}, stack="prod", protect=True) == []
    assert violations(rule, volume, {}, stack="dev") == []
    assert violations(rule, SERVICE, service(), stack="prod") == []


def bucket(name: str, kind: str = BUCKET, **props: Any) -> PolicyResource:
    urn = f"urn:pulumi:prod::mcp-fleet::{kind}::{name}"
    return PolicyResource(kind, unknown_checking_proxy(props), urn, name, options(), None, None, [], {})


def test_a_bucket_needs_an_encryption_of_its_own() -> None:
    policy = RULE["buckets-encrypted"]
    assert isinstance(policy, StackValidationPolicy)
    said: list[str | None] = []

    def report(message: str, urn: str | None = None) -> None:
        said.append(urn)

    backups, logs, named = bucket("backups"), bucket("logs"), bucket("named", bucket="the-name")
    by_reference = bucket("backups", ENCRYPTION, bucket=UNKNOWN_STRING_VALUE)
    by_reference.property_dependencies["bucket"] = [backups]
    by_name = bucket("named", ENCRYPTION, bucket="the-name")
    args = StackValidationArgs([backups, logs, named, by_reference, by_name], {})
    policy.validate(args, report)
    assert said == [logs.urn]


def test_every_rule_is_broken_on_purpose_here() -> None:
    """The ids are written into exceptions: a rule that is renamed or dropped is a change for whoever did so."""
    broken = {rule for rule, _, _ in BROKEN} | {"prod-state-protected", "buckets-encrypted"}
    assert broken == RULE.keys()


@pytest.mark.parametrize("token", TOKENS)
def test_every_component_keeps_to_the_rules(token: str) -> None:
    engine, _ = deploy(TOKENS[token])
    # The examples' images, their tags on AWS and their ping from everywhere are the choice of whoever uses a component.
    users_choice = {"image-registry-approved", *(("tags",) if ":hosts:Aws" in token else ())}
    rules = RULE.keys() - users_choice - {"buckets-encrypted"}
    for resource in engine.resources:
        for rule in rules - ({"world-reaches-443-only"} if resource.type == FIREWALL else set()):
            assert violations(rule, resource.type, resource.inputs) == [], resource.name


@pytest.mark.parametrize(
    ("network", "world"),
    [
        *((network, True) for network in ("0.0.0.0/0", "128.0.0.0/1", "::/0", "2000::/3")),
        *((network, False) for network in ("10.0.0.0/8", "203.0.113.7/32", "fd00::/8")),
    ],
)
def test_half_of_the_world_is_the_world(network: str, *, world: bool) -> None:
    assert is_world(network) is world
