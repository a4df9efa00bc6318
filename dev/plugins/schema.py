"""What a resource's properties are: a small schema language with the semantics of Terraform's SDK.

The real plugins are Terraform providers behind a bridge, and their behaviour (what is replaced, what
keeps its old value when unset, what has a default) follows from the flags below.
Source: https://developer.hashicorp.com/terraform/plugin/sdkv2/schemas/schema-behaviors
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Any, Self, TypedDict, Unpack


class Kind(Enum):
    """The shape of a property's value. SET is a list whose order means nothing."""

    STRING = "string"
    INTEGER = "integer"
    BOOLEAN = "boolean"
    LIST = "list"
    SET = "set"
    MAP = "map"
    OBJECT = "object"


@dataclass(frozen=True, slots=True)
class Field:
    """One property.

    Attributes:
        kind: shape of the value.
        item: of a LIST or SET, what it holds.
        block: of an OBJECT, its properties.
        required: an input that must be given.
        computed: an input that keeps the value the engine reported while it is not given.
        output: never an input.
        replaces: a change of it replaces the resource.
        sensitive: always secret in the state.
        default: the value while not given.
        problem: tells what is wrong with a value of the right kind, or None.
        comparable: the form in which two values are compared.
    """

    kind: Kind
    item: "Field | None" = None
    block: "Block | None" = None
    required: bool = False
    computed: bool = False
    output: bool = False
    replaces: bool = False
    sensitive: bool = False
    default: str | int | bool | None = None
    problem: Callable[[Any], str | None] | None = None
    comparable: Callable[[Any], Any] | None = None


@dataclass(frozen=True, slots=True)
class Block:
    """The properties of a resource or of a nested object, and what must hold between them.

    Attributes:
        fields: by the name they have in a Pulumi program's state (camelCase).
        rule: tells what is wrong with a set of otherwise valid properties, or None.
    """

    fields: Mapping[str, Field]
    rule: Callable[[Mapping[str, Any]], str | None] | None = None

    @classmethod
    def of(cls, **fields: Field) -> Self:
        """A block of the given properties; a trailing underscore keeps a keyword usable as a name."""
        return cls({name.rstrip("_"): field for name, field in fields.items()})


class Flags(TypedDict, total=False):
    """What may be said of a property of any kind; see `Field`."""

    required: bool
    computed: bool
    output: bool
    replaces: bool
    sensitive: bool
    default: str | int | bool
    problem: Callable[[Any], str | None]
    comparable: Callable[[Any], Any]


def string(**flags: Unpack[Flags]) -> Field:
    """A text property."""
    return Field(Kind.STRING, **flags)


def integer(**flags: Unpack[Flags]) -> Field:
    """A whole number."""
    return Field(Kind.INTEGER, **flags)


def boolean(**flags: Unpack[Flags]) -> Field:
    """True or false."""
    return Field(Kind.BOOLEAN, **flags)


def listing(item: Field | Block, **flags: Unpack[Flags]) -> Field:
    """A list in which order counts."""
    return Field(Kind.LIST, item=_item(item), **flags)


def unordered(item: Field | Block, **flags: Unpack[Flags]) -> Field:
    """A list in which order does not count."""
    return Field(Kind.SET, item=_item(item), **flags)


def mapping(**flags: Unpack[Flags]) -> Field:
    """A map of text to text."""
    return Field(Kind.MAP, item=string(), **flags)


def nested(block: Block, **flags: Unpack[Flags]) -> Field:
    """An object with properties of its own."""
    return Field(Kind.OBJECT, block=block, **flags)


def _item(item: Field | Block) -> Field:
    return Field(Kind.OBJECT, block=item) if isinstance(item, Block) else item
