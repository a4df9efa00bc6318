"""What the types of a provider's SDK say of inputs and outputs, in the terms of a plugin's schema."""

import inspect
import typing
from collections.abc import Iterator
from typing import Any

import pulumi
import pulumi._types as sdk_types

from dev.plugins.schema import Block, Field, Kind

KINDS = {str: Kind.STRING, int: Kind.INTEGER, float: Kind.INTEGER, bool: Kind.BOOLEAN}


def described(block: Block) -> dict[str, Any]:
    """The inputs of a block by name; those of nested ones nested."""
    return {name: shape(field) for name, field in block.fields.items() if not field.output}


def shape(field: Field) -> Any:
    """The shape of one property."""
    if field.block:
        return described(field.block)
    if field.kind is Kind.MAP:
        return {"*": Kind.STRING}
    return [shape(field.item)] if field.item else field.kind


def sdk_described(arguments: type) -> dict[str, Any]:
    """The inputs that an SDK's class of arguments takes, as `described` has them."""
    return {name: sdk_shape(type_) for name, type_ in sdk_types.input_type_types(arguments).items()}


def sdk_shape(type_: Any) -> Any:
    """The shape of one type."""
    origin, inner = typing.get_origin(type_), typing.get_args(type_)
    if origin is typing.Union:
        return sdk_shape(next(part for part in inner if part is not type(None)))
    if origin in {typing.Sequence, list} or getattr(origin, "__name__", "") == "Sequence":
        return [sdk_shape(inner[0])]
    if getattr(origin, "__name__", "") == "Mapping":
        return {"*": sdk_shape(inner[1])}
    return KINDS.get(type_) or sdk_described(type_)


def sdk_required(arguments: type) -> set[str]:
    """The inputs, under their names in Python, that can't be left out."""
    parameters = list(inspect.signature(arguments).parameters.values())
    return {parameter.name for parameter in parameters if parameter.default is inspect.Parameter.empty}


def sdk_outputs(resource: type[pulumi.CustomResource]) -> Iterator[str]:
    """The outputs of a resource's class."""
    yield from (name for name in sdk_types.resource_types(resource) if name not in {"id", "urn"})
