"""Property values as the Pulumi engine sends them, as plain Python values.

Source: https://pulumi-developer-docs.readthedocs.io/latest/docs/architecture/deployment-execution/property-values.html
and sdk/go/common/resource/plugin/rpc.go.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, TypeAlias

from google.protobuf.struct_pb2 import ListValue, NullValue, Struct, Value

PropertyValue: TypeAlias = Any
"""Text, a number, a truth value, None, a list or map of these, `UNKNOWN` or `Sensitive`."""

SIGNATURE_KEY: Final = "4dabf18193072939515e22adb298388d"
SECRET_SIGNATURE: Final = "1b47061264138c4ac30d75fd1eb44270"  # noqa: S105 - a published marker, not a secret

UNKNOWN_MARKERS: Final = frozenset(
    {
        "1c4a061d-8072-4f0a-a4cb-0ff528b18fe7",  # boolean
        "3eeb2bf0-c639-47a8-9e75-3b44932eb421",  # number
        "04da6b54-80e4-46f7-96ec-b56ff0331ba9",  # string
        "6a19a0b0-7e62-4c92-b797-7f8e31da9cc2",  # array
        "dd056dcd-154b-4c76-9bd3-c8f88648b5ff",  # object
    }
)
UNKNOWN_STRING: Final = "04da6b54-80e4-46f7-96ec-b56ff0331ba9"


class Unknown:
    """The type of `UNKNOWN`: a value that only an update, not a preview, will know."""

    def __repr__(self) -> str:
        return "UNKNOWN"


UNKNOWN: Final = Unknown()


@dataclass(frozen=True, slots=True)
class Sensitive:
    """A value that the engine must encrypt in the state."""

    value: Any


class UnsupportedValueError(ValueError):
    """A property holds an asset, an archive or a resource reference, which no resource here takes."""


def from_struct(struct: Struct) -> dict[str, Any]:
    """The properties of a request; secrets are unwrapped, missing and null properties left out.

    Raises:
        UnsupportedValueError: a property is an asset, an archive or a resource reference.
    """
    values = {key: _from_value(value) for key, value in struct.fields.items()}
    return {key: value for key, value in values.items() if value is not None}


def to_struct(values: Mapping[str, Any]) -> Struct:
    """The properties of a response; properties that are None are left out."""
    struct = Struct()
    for key, value in values.items():
        if value is not None:
            struct.fields[key].CopyFrom(_to_value(value))
    return struct


def _from_value(value: Value) -> PropertyValue:
    match value.WhichOneof("kind"):
        case "struct_value":
            return _from_object(value.struct_value)
        case "list_value":
            return [_from_value(item) for item in value.list_value.values]
        case "number_value":
            number = value.number_value
            return int(number) if number.is_integer() else number
        case "string_value":
            return UNKNOWN if value.string_value in UNKNOWN_MARKERS else value.string_value
        case "bool_value":
            return value.bool_value
        case _:
            return None


def _from_object(struct: Struct) -> PropertyValue:
    signature = struct.fields.get(SIGNATURE_KEY)
    if signature is None:
        return from_struct(struct)
    if signature.string_value == SECRET_SIGNATURE:
        return _from_value(struct.fields["value"])
    raise UnsupportedValueError("assets, archives and resource references are not supported here")


def _to_value(value: PropertyValue) -> Value:
    match value:
        case None:
            return Value(null_value=NullValue.NULL_VALUE)
        case bool():
            return Value(bool_value=value)
        case int() | float():
            return Value(number_value=value)
        case str():
            return Value(string_value=value)
        case Unknown():
            return Value(string_value=UNKNOWN_STRING)
        case Sensitive():
            return Value(struct_value=to_struct({SIGNATURE_KEY: SECRET_SIGNATURE, "value": value.value}))
        case Mapping():
            return Value(struct_value=to_struct(value))
        case list() | tuple():
            return Value(list_value=ListValue(values=[_to_value(item) for item in value]))
        case _:
            raise TypeError(f"cannot send a {type(value).__name__} to the Pulumi engine")
