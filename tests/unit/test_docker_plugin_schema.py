"""The stand-in takes exactly what the real plugin's SDK types take."""

import typing
from collections.abc import Iterator
from typing import Any

import pulumi
import pulumi._types as sdk_types
import pulumi_docker as docker
import pulumi_random as random
import pytest
from pulumi_docker import network, provider, secret, service, service_config, volume
from pulumi_random import random_password, random_string

from dev.plugins.docker.access import CONFIG
from dev.plugins.docker.provider import DockerProvider
from dev.plugins.random.provider import RandomProvider
from dev.plugins.schema import Block, Field, Kind

BLOCKS = {**DockerProvider.blocks, **RandomProvider.blocks, "provider": CONFIG}
KINDS = {str: Kind.STRING, int: Kind.INTEGER, bool: Kind.BOOLEAN}
LEFT_OUT = {"cluster"}
"""CSI volumes, which a Service cannot mount anyway."""


def described(block: Block) -> dict[str, Any]:
    return {name: shape(field) for name, field in block.fields.items() if not field.output}


def shape(field: Field) -> Any:
    if field.block:
        return described(field.block)
    if field.kind is Kind.MAP:
        return {"*": Kind.STRING}
    return [shape(field.item)] if field.item else field.kind


def sdk_described(arguments: type) -> dict[str, Any]:
    types = sdk_types.input_type_types(arguments)
    return {name: sdk_shape(type_) for name, type_ in types.items() if name not in LEFT_OUT}


def sdk_shape(type_: Any) -> Any:
    origin, inner = typing.get_origin(type_), typing.get_args(type_)
    if origin is typing.Union:
        return sdk_shape(next(part for part in inner if part is not type(None)))
    if origin in {typing.Sequence, list} or getattr(origin, "__name__", "") == "Sequence":
        return [sdk_shape(inner[0])]
    if getattr(origin, "__name__", "") == "Mapping":
        return {"*": sdk_shape(inner[1])}
    return KINDS.get(type_) or sdk_described(type_)


@pytest.mark.parametrize(
    ("token", "arguments"),
    [
        ("docker:index/service:Service", service.ServiceArgs),
        ("docker:index/secret:Secret", secret.SecretArgs),
        ("docker:index/serviceConfig:ServiceConfig", service_config.ServiceConfigArgs),
        ("docker:index/network:Network", network.NetworkArgs),
        ("docker:index/volume:Volume", volume.VolumeArgs),
        ("provider", provider.ProviderArgs),
        ("random:index/randomPassword:RandomPassword", random_password.RandomPasswordArgs),
        ("random:index/randomString:RandomString", random_string.RandomStringArgs),
    ],
)
def test_the_inputs_are_those_of_the_sdk(token: str, arguments: type) -> None:
    assert described(BLOCKS[token]) == sdk_described(arguments)


@pytest.mark.parametrize(
    ("token", "resource"),
    [
        ("docker:index/network:Network", docker.Network),
        ("docker:index/volume:Volume", docker.Volume),
        ("docker:index/service:Service", docker.Service),
        ("random:index/randomPassword:RandomPassword", random.RandomPassword),
    ],
)
def test_the_outputs_are_those_of_the_sdk(token: str, resource: type[pulumi.CustomResource]) -> None:
    assert set(BLOCKS[token].fields) == set(outputs(resource)) - LEFT_OUT


def outputs(resource: type[pulumi.CustomResource]) -> Iterator[str]:
    inherited = {"id", "urn"}
    names = sdk_types.resource_types(resource)
    yield from (name for name in names if name not in inherited)
