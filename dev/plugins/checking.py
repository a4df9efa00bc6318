"""Validation of a program's inputs against a schema, with errors that name the property."""

import difflib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from dev.plugins.schema import Block, Field, Kind
from dev.plugins.values import UNKNOWN, PropertyValue

DEFAULTS_KEY: Final = "__defaults"  # the bridge's list of the properties that it filled in itself

_TYPES: Final[Mapping[Kind, type]] = {
    Kind.STRING: str,
    Kind.INTEGER: int,
    Kind.BOOLEAN: bool,
    Kind.LIST: list,
    Kind.SET: list,
    Kind.MAP: dict,
    Kind.OBJECT: dict,
}


@dataclass(frozen=True, slots=True)
class Failure:
    """What is wrong with the input at `path`."""

    path: str
    reason: str


def check(block: Block, inputs: Mapping[str, Any], prefix: str = "") -> Iterator[Failure]:
    """Everything that is wrong with the inputs of a block; nothing while they are valid or unknown."""
    given = {name: value for name, value in inputs.items() if name != DEFAULTS_KEY}
    accepted = [name for name, field in block.fields.items() if not field.output]
    failures = [Failure(prefix + name, _unexpected(name, accepted)) for name in given if name not in accepted]
    for name in accepted:
        field = block.fields[name]
        if name in given:
            failures.extend(_check_value(field, given[name], prefix + name))
        elif field.required:
            failures.append(Failure(prefix + name, "is required, but was not given"))
    if not failures and block.rule and (broken := block.rule(given)):
        failures.append(Failure(prefix.rstrip("."), broken))
    yield from failures


def _unexpected(name: str, accepted: list[str]) -> str:
    near = difflib.get_close_matches(name, accepted, n=1)
    hint = f"did you mean {near[0]!r}?" if near else f"known are {', '.join(sorted(accepted))}"
    return f"an argument named {name!r} is not expected here; {hint}"


def _check_value(field: Field, value: PropertyValue, path: str) -> Iterator[Failure]:
    if value is UNKNOWN:
        return
    if not _has_kind(value, field.kind):
        yield Failure(path, f"must be a {field.kind.value}, but is of type {type(value).__name__}")
        return
    if field.problem and (problem := field.problem(value)):
        yield Failure(path, problem)
    if field.block:
        yield from check(field.block, value, f"{path}.")
    elif field.item:
        items = value.items() if field.kind is Kind.MAP else enumerate(value)
        for key, item in items:
            yield from _check_value(field.item, item, f"{path}[{key!r}]")


def _has_kind(value: PropertyValue, kind: Kind) -> bool:
    return isinstance(value, _TYPES[kind]) and not (kind is Kind.INTEGER and isinstance(value, bool))
