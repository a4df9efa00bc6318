"""What a rule is: a function from a resource to sentences about what is wrong with it, under an id of its own."""

from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from typing import Any, TypeAlias

from pulumi_policy import (
    PolicyConfigSchema,
    PolicyResource,
    ReportViolation,
    ResourceValidationArgs,
    ResourceValidationPolicy,
    StackValidationArgs,
    StackValidationPolicy,
)
from pulumi_policy.proxy import UnknownValueError

Properties: TypeAlias = Mapping[str, Any]
"""Inputs of a resource as the engine has them: keys in camelCase, numbers as floats, secrets opened."""

Check: TypeAlias = Callable[[ResourceValidationArgs], Iterable[str]]
StackCheck: TypeAlias = Callable[[list[PolicyResource]], Iterable[tuple[str, PolicyResource]]]


def rule(
    name: str, description: str, check: Check, *, config: Mapping[str, Any] | None = None
) -> ResourceValidationPolicy:
    """Return a rule on single resources.

    Args:
        name: its id, which people write into exceptions and tests: never changed.
        check: yields a sentence for each thing that is wrong: what, and what to do. Never a value that may be secret.
            A value that a preview can't know yet ends it; `pulumi up` knows the value, and asks again before it acts.
        config: JSON schema, with a default, of each property that `args.get_config()` has.
    """

    def validate(args: ResourceValidationArgs, report: ReportViolation) -> None:
        with suppress(UnknownValueError):
            for violation in check(args):
                report(violation, None)

    schema = PolicyConfigSchema(properties={key: dict(value) for key, value in config.items()}) if config else None
    return ResourceValidationPolicy(name=name, description=description, validate=validate, config_schema=schema)


def stack_rule(name: str, description: str, check: StackCheck) -> StackValidationPolicy:
    """Return a rule on all resources of a stack together; as `rule`, but each sentence comes with its resource."""

    def validate(args: StackValidationArgs, report: ReportViolation) -> None:
        with suppress(UnknownValueError):
            for violation, resource in check(args.resources):
                report(violation, resource.urn)

    return StackValidationPolicy(name=name, description=description, validate=validate)


def listed(properties: Properties, key: str) -> list[Any]:
    """Return a list among the properties; nothing where it is left out."""
    return list(properties.get(key) or ())


def block(properties: Properties, key: str) -> Properties:
    """Return a nested block of properties; an empty one where it is left out."""
    return properties.get(key) or {}
