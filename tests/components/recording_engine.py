"""A Pulumi engine that only writes down what it is asked to register."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import pulumi
from pulumi.runtime import mocks, rpc, settings
from pulumi.runtime.proto import resource_pb2

from tests.event_loop import kept_loop

ID = "id-of-{name}"
SECRET_SIGNATURE = rpc._special_secret_sig
"""How Pulumi marks a secret on the wire."""

AWS_COMPUTED: Mapping[str, Mapping[str, Any]] = {
    "aws:acm/certificate:Certificate": {
        "domainValidationOptions": [
            {"resourceRecordName": "_a", "resourceRecordType": "CNAME", "resourceRecordValue": "_b"}
        ]
    },
    "aws:ec2/instance:Instance": {"publicIp": "198.51.100.1", "privateIp": "10.80.0.5"},
    "aws:ecr/repository:Repository": {"repositoryUrl": "registry.example/test"},
    "aws:lb/loadBalancer:LoadBalancer": {"dnsName": "balancer.example", "zoneId": "Z2"},
    "aws:route53/record:Record": {"fqdn": "_a.example.com"},
}


@dataclass(frozen=True)
class Registered:
    """One resource as the engine got it: inputs in camelCase, secrets in their envelopes."""

    type: str
    name: str
    inputs: Mapping[str, Any]


@dataclass
class RecordingEngine(mocks.Mocks):
    """Answers each registration with its own inputs, and with made-up values for what providers compute."""

    resources: list[Registered] = field(default_factory=list)
    protected: set[str] = field(default_factory=set)
    """The types of resources that Pulumi refuses to delete."""
    deleted_with: dict[str, str] = field(default_factory=dict)
    """URN of what a resource is deleted with, by its type; the engine passes it on to children."""

    def new_resource(self, args: mocks.MockResourceArgs) -> tuple[str, dict[str, Any]]:
        self.resources.append(Registered(args.typ, args.name, args.inputs))
        return self.made(args)

    def made(self, args: mocks.MockResourceArgs) -> tuple[str, dict[str, Any]]:
        """Return the id and the properties of a new resource."""
        return ID.format(name=args.name), {**args.inputs, **_computed(args)}

    def call(self, args: mocks.MockCallArgs) -> tuple[dict[str, Any], list[tuple[str, str]] | None]:
        raise AssertionError(f"{args.token}: components call no functions of providers")

    def of_type(self, suffix: str) -> dict[str, Registered]:
        """Return the resources whose type ends so, by name."""
        return {resource.name: resource for resource in self.resources if resource.type.endswith(suffix)}

    def one(self, suffix: str, name: str) -> Registered:
        return self.of_type(suffix)[name]


def _computed(args: mocks.MockResourceArgs) -> dict[str, Any]:
    if args.typ == "random:index/randomPassword:RandomPassword":
        secret = {rpc._special_sig_key: SECRET_SIGNATURE}
        return {
            "result": {**secret, "value": f"password-of-{args.name}"},
            "bcryptHash": {**secret, "value": f"hash-of-{args.name}"},
        }
    if args.typ == "docker-build:index:Image":
        return {"digest": "sha256:" + "d" * 64, "ref": "unused"}
    if args.typ == "pulumi-python:dynamic/lambda-labs:Claim":
        return {"mark": f"{args.inputs['label']}-0123", "key": {rpc._special_sig_key: SECRET_SIGNATURE, "value": "key"}}
    if args.typ == "pulumi-python:dynamic/lambda-labs:Instance":
        return {"ip": "203.0.113.9", "private_ip": "10.19.0.4"}
    if args.typ.startswith("aws:"):
        return {"arn": f"arn-of-{args.name}", **AWS_COMPUTED.get(args.typ, {})}
    if args.typ.endswith(":SwarmNode"):
        return {"cluster": "id-of-the-cluster", "hostname": args.name}
    return {}


def deploy(
    build: Callable[[], pulumi.ComponentResource | None], engine: RecordingEngine | None = None
) -> tuple[RecordingEngine, Mapping[str, Any]]:
    """Run `build` as a program. Returns what was registered, and the outputs that the components registered by URN."""
    kept_loop()
    engine = engine or RecordingEngine()
    pulumi.runtime.set_mocks(engine, project="mcp-fleet", stack="test", preview=False)
    outputs: dict[str, Any] = {}
    monitor = settings.SETTINGS.monitor
    monitor.RegisterResourceOutputs = lambda request: outputs.update(
        {request.urn: rpc.deserialize_properties(request.outputs, keep_unknowns=True)}
    )
    register = monitor.RegisterResource

    def noting(request: resource_pb2.RegisterResourceRequest) -> Any:
        if request.deletedWith:
            engine.deleted_with[request.type] = request.deletedWith
        if request.protect:
            engine.protected.add(request.type)
        return register(request)

    monitor.RegisterResource = noting
    pulumi.runtime.test(lambda: (build(), None)[1])()  # type: ignore[no-untyped-call]
    return engine, outputs


def urns() -> list[str]:
    """Return the URNs of everything that the last deploy registered."""
    return list(settings.SETTINGS.monitor.get_registered_resources())


def is_secret(value: Any) -> bool:
    return isinstance(value, dict) and value.get(rpc._special_sig_key) == SECRET_SIGNATURE


def plain_texts(value: Any) -> list[str]:
    """Return all texts in `value` that are not inside a secret's envelope."""
    if is_secret(value):
        return []
    if isinstance(value, str):
        return [value]
    if isinstance(value, Mapping):
        return [text for item in value.values() for text in plain_texts(item)]
    if isinstance(value, list | tuple):
        return [text for item in value for text in plain_texts(item)]
    return []
