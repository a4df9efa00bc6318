"""The stand-in takes exactly what the real plugin's SDK types take."""

import pulumi
import pulumi_docker as docker
import pulumi_random as random
import pytest
from pulumi_docker import network, provider, secret, service, service_config, volume
from pulumi_random import random_password, random_string

from dev.plugins.docker.access import CONFIG
from dev.plugins.docker.provider import DockerProvider
from dev.plugins.random.provider import RandomProvider

from .sdk_schema import described, sdk_described, sdk_outputs

BLOCKS = {**DockerProvider.blocks, **RandomProvider.blocks, "provider": CONFIG}
LEFT_OUT = {"cluster"}
"""CSI volumes, which a Service cannot mount anyway."""


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
    wanted = {name: kind for name, kind in sdk_described(arguments).items() if name not in LEFT_OUT}
    assert described(BLOCKS[token]) == wanted


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
    assert set(BLOCKS[token].fields) == set(sdk_outputs(resource)) - LEFT_OUT
