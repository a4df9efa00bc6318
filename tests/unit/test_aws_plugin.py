"""The AWS stand-in takes what the real plugin's SDK types take, or less, and never reaches AWS itself."""

import importlib
import re
from typing import Any

import pulumi
import pytest
from pulumi_aws import provider

from dev.plugins.aws.account import Account
from dev.plugins.aws.provider import CONFIG, SERVICES, AwsProvider
from dev.plugins.aws.resource_type import AwsResource, ResourceType
from dev.plugins.aws.tables import TYPES
from dev.plugins.checking import check
from dev.plugins.resource import OperationError
from dev.plugins.schema import Block, string

from .sdk_schema import described, sdk_described, sdk_outputs, sdk_required

ENDPOINTS = [dict.fromkeys(SERVICES, "http://127.0.0.1:1")]


def sdk_class(token: str) -> type[pulumi.CustomResource]:
    _, module, _, name = re.split("[:/]", token)
    found: type[pulumi.CustomResource] = getattr(importlib.import_module(f"pulumi_aws.{module}"), name)
    return found


def sdk_arguments(token: str) -> type:
    resource = sdk_class(token)
    module = importlib.import_module(resource.__module__)
    names = (f"{resource.__name__}InitArgs", f"{resource.__name__}Args")  # the first where the other is an input's type
    found: type = next(getattr(module, name) for name in names if name in module.__dict__)
    return found


def in_python(name: str) -> str:
    return re.sub("[A-Z]", lambda found: f"_{found[0].lower()}", name)


def strays(ours: Any, theirs: Any, path: str = "") -> list[str]:
    """Where `ours` has something that `theirs` has not, or has otherwise."""
    if isinstance(ours, dict) and isinstance(theirs, dict):
        return [stray for key, item in ours.items() for stray in strays(item, theirs.get(key), f"{path}.{key}")]
    if isinstance(ours, list) and isinstance(theirs, list):
        return strays(ours[0], theirs[0], f"{path}[]")
    return [] if ours == theirs else [f"{path}: {ours} is {theirs} in the SDK"]


@pytest.mark.parametrize("token", TYPES)
def test_a_type_has_only_inputs_and_outputs_of_the_sdk_and_requires_what_it_requires(token: str) -> None:
    block, arguments = TYPES[token].block, sdk_arguments(token)
    assert strays(described(block), sdk_described(arguments)) == []
    outputs = {name for name, field in block.fields.items() if field.output}
    assert outputs <= set(sdk_outputs(sdk_class(token)))
    assert sdk_required(arguments) <= {in_python(name) for name, field in block.fields.items() if field.required}


def test_the_provider_has_only_inputs_of_the_sdk() -> None:
    assert strays(described(CONFIG), sdk_described(provider.ProviderArgs)) == []


def test_a_misspelt_or_unknown_input_is_refused() -> None:
    block = TYPES["aws:s3/bucket:Bucket"].block
    assert [failure.path for failure in check(block, {"bucket": "example"})] == []
    (failure,) = check(block, {"bucket": "example", "tag": {}})
    assert "an argument named 'tag' is not expected here; did you mean 'tags'?" in failure.reason
    (failure,) = check(block, {"bucket": "example", "acl": "public-read"})
    assert "'acl' is not expected here" in failure.reason


def test_without_the_endpoints_of_another_server_it_does_nothing() -> None:
    config = {"region": "eu-west-1", "accessKey": "a", "secretKey": "b"}
    assert AwsProvider().configure({**config, "endpoints": ENDPOINTS}).keys() == TYPES.keys()
    some = [{service: url for service, url in ENDPOINTS[0].items() if service != "ec2"}]
    with pytest.raises(
        OperationError,
        match=r"endpoints: ec2 missing, and AWS_ENDPOINT_URL is not set; this stand-in .* makes nothing",
    ):
        AwsProvider().configure({**config, "endpoints": some})


def test_a_change_that_the_table_has_no_request_for_is_refused_not_forgotten() -> None:
    kind = ResourceType(
        block=Block.of(size=string()),
        create=lambda _account, _planned: "one",
        tell=lambda _account, _id, state: state,
        delete=lambda _account, _id, _state: None,
    )
    resource = AwsResource("aws:x/y:Y", kind, Account("eu-west-1", "a", "b", ENDPOINTS[0]))
    assert resource.update("one", {"size": "s"}, {"size": "s"}) == {"size": "s"}
    with pytest.raises(OperationError, match="aws:x/y:Y one: this stand-in can't change size in place"):
        resource.update("one", {"size": "s"}, {"size": "m"})
