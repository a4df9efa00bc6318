"""What every component keeps to: its shape, its children, its outputs, its secrets, and how it runs containers."""

import base64
import dataclasses
import importlib
import inspect
import pkgutil
import re
from typing import Any, get_type_hints

import pulumi
import pytest

import components

from .examples import SECRETS, TOKENS
from .recording_engine import Registered, deploy, is_secret, plain_texts, urns

PINNED = re.compile(r".+:[^@/]+@sha256:[0-9a-f]{64}")
WITHOUT_SERVICES = ("ServerImage", "RemoteImage", "Swarm", "OverlayNetwork", "Tunnel")
SERVICES = sorted(token for token in TOKENS if ":hosts:" not in token and not token.endswith(WITHOUT_SERVICES))


def component_classes() -> list[type[pulumi.ComponentResource]]:
    modules = pkgutil.walk_packages(components.__path__, "components.")
    found = (
        member
        for module in modules
        for _, member in inspect.getmembers(importlib.import_module(module.name), inspect.isclass)
        if issubclass(member, pulumi.ComponentResource) and member.__module__ == module.name
    )
    return list(found)


def is_frozen(cls: Any) -> bool:
    return bool(cls.__dataclass_params__.frozen)


def services(token: str) -> dict[str, Registered]:
    engine, _ = deploy(TOKENS[token])
    return engine.of_type("docker:index/service:Service")


def test_every_component_has_an_example() -> None:
    assert {cls.__name__ for cls in component_classes()} == {token.rsplit(":", 1)[1] for token in TOKENS}


@pytest.mark.parametrize("cls", component_classes(), ids=lambda cls: cls.__name__)
def test_the_constructor_takes_name_args_and_opts(cls: type[pulumi.ComponentResource]) -> None:
    _, *parameters = inspect.signature(cls.__init__).parameters.values()
    assert [parameter.name for parameter in parameters] == ["name", "args", "opts"]
    assert parameters[2].default is None
    args = get_type_hints(cls.__init__)["args"]
    assert args.__name__ == f"{cls.__name__}Args"
    assert dataclasses.is_dataclass(args)
    assert is_frozen(args)
    assert all(item.kw_only for item in dataclasses.fields(args))


@pytest.mark.parametrize("token", TOKENS)
def test_children_are_under_their_component(token: str) -> None:
    deploy(TOKENS[token])
    types = [urn.split("::")[2].removeprefix("pulumi:pulumi:Stack$") for urn in urns()]
    assert token in types, "the type token is the canonical one"
    others = [chain for chain in types if chain != token and not chain.startswith("pulumi:")]
    assert others, "a component has children"
    for chain in others:
        assert chain.split("$")[0] in TOKENS, f"{chain} has no component above it"


@pytest.mark.parametrize("token", TOKENS)
def test_outputs_are_a_frozen_bundle_and_registered(token: str) -> None:
    built: list[pulumi.ComponentResource] = []

    def build() -> pulumi.ComponentResource:
        built.append(TOKENS[token]())
        return built[0]

    _, registered = deploy(build)
    outputs = built[0].outputs  # type: ignore[attr-defined]
    assert dataclasses.is_dataclass(outputs)
    assert is_frozen(type(outputs))
    (own,) = (values for urn, values in registered.items() if urn.split("::")[2].endswith(f"Stack${token}"))
    wanted = {item.name for item in dataclasses.fields(outputs) if getattr(outputs, item.name) is not None}
    assert wanted <= own.keys()


@pytest.mark.parametrize("token", TOKENS)
def test_no_secret_is_registered_in_plain(token: str) -> None:
    engine, outputs = deploy(TOKENS[token])
    forms = {
        name: {value, base64.b64encode(value.encode()).decode().rstrip("=")[:-1]} for name, value in SECRETS.items()
    }
    seen = [(f"{item.type} {item.name}", plain_texts(item.inputs)) for item in engine.resources]
    seen += [(urn, plain_texts(values)) for urn, values in outputs.items()]
    for where, texts in seen:
        for name, values in forms.items():
            assert not any(value in text for value in values for text in texts), f"{name} is in plain in {where}"


@pytest.mark.parametrize("token", TOKENS)
def test_the_data_of_docker_secrets_is_secret(token: str) -> None:
    engine, _ = deploy(TOKENS[token])
    for secret in engine.of_type("docker:index/secret:Secret").values():
        assert is_secret(secret.inputs["data"])
        assert not is_secret(secret.inputs["name"]), "the preview shall show which secret changes"


@pytest.mark.parametrize("token", SERVICES)
def test_services_are_hardened_and_limited(token: str) -> None:
    found = services(token)
    assert found
    for service in found.values():
        container = service.inputs["taskSpec"]["containerSpec"]
        limits = service.inputs["taskSpec"]["resources"]["limits"]
        assert limits["nanoCpus"] > 0
        assert limits["memoryBytes"] > 0
        assert container["readOnly"] is True
        assert container["capDrops"] == ["ALL"]
        assert container["init"] is True
        assert re.fullmatch(r"\d+:\d+", container["user"])
        assert PINNED.fullmatch(container["image"]), "a tag alone may be another image tomorrow"
        assert [mount["target"] for mount in container["mounts"] if mount["type"] == "tmpfs"] == ["/tmp"]
        assert service.inputs["taskSpec"]["logDriver"]["options"] == {"max-size": "10m", "max-file": "3"}


@pytest.mark.parametrize("token", SERVICES)
def test_services_gate_the_deployment(token: str) -> None:
    for service in services(token).values():
        assert service.inputs["taskSpec"]["containerSpec"]["healthcheck"]["tests"][0] == "CMD"
        assert service.inputs["convergeConfig"].keys() == {"delay", "timeout"}
        assert service.inputs["updateConfig"]["failureAction"] == "rollback"


@pytest.mark.parametrize("token", SERVICES)
def test_services_say_every_field_that_a_refresh_would_fill_in(token: str) -> None:
    policy = {"parallelism", "delay", "failureAction", "monitor", "maxFailureRatio", "order"}
    for service in services(token).values():
        task = service.inputs["taskSpec"]
        assert service.inputs["updateConfig"].keys() == policy
        assert service.inputs["rollbackConfig"].keys() == policy
        assert task["restartPolicy"].keys() == {"condition", "delay", "maxAttempts", "window"}
        assert task["networksAdvanceds"] == [{"id": "net", "aliases": [service.name]}], "by id, never by name"
        assert service.inputs["endpointSpec"]["mode"] == "dnsrr"
        for port in service.inputs["endpointSpec"].get("ports", []):
            assert port["publishMode"] == "host"
            assert port.keys() == {"name", "protocol", "targetPort", "publishedPort", "publishMode"}
        for mount in task["containerSpec"]["mounts"]:
            assert mount.get("tmpfsOptions", {}).get("mode", 0) <= 0o777


@pytest.mark.parametrize("token", SERVICES)
def test_services_are_named_and_labelled_by_fleet(token: str) -> None:
    for service in services(token).values():
        assert service.inputs["name"] == f"test-{service.name}"
        labels = {label["label"]: label["value"] for label in service.inputs["labels"]}
        kind = "server" if service.name == "time" else "component"
        assert labels == {"mcp-fleet.stack": "test", "mcp-fleet.kind": kind, "mcp-fleet.name": service.name}
        assert "labels" not in service.inputs["taskSpec"]["containerSpec"], "a change of these is an outage"
