"""What a dynamic provider gets in a preview for a value that only another resource will give."""

from collections.abc import Mapping
from typing import Any

from pulumi.output import Unknown
from pulumi.runtime import rpc


def as_written(value: Any) -> Any:  # noqa: ANN401 - whatever Pulumi passes
    """Return a value with what is not known yet as Pulumi writes it: it reads that as an object that it can't write."""
    if isinstance(value, Unknown):
        return rpc.UNKNOWN
    if isinstance(value, Mapping):
        return {key: as_written(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [as_written(item) for item in value]
    return value


def unknown(value: object) -> bool:
    """Whether something in a value will only be known when other resources have been made."""
    if isinstance(value, Mapping):
        return any(unknown(item) for item in value.values())
    if isinstance(value, list | tuple):
        return any(unknown(item) for item in value)
    return bool(value == rpc.UNKNOWN)
