"""Policies: JSON that is the same however it is written."""

import json

from dev.plugins.schema import Field, Kind
from dev.plugins.values import PropertyValue


def canonical(text: str) -> str:
    """The document in one form, for comparison."""
    return json.dumps(json.loads(text), sort_keys=True)


def problem(text: str) -> str | None:
    """What is wrong with a text as JSON."""
    try:
        json.loads(text)
    except ValueError as error:
        return f"is not valid JSON: {error}"
    return None


def document() -> Field:
    """A required property that is a policy."""
    return Field(Kind.STRING, required=True, problem=problem, comparable=canonical)


def text_of(told: PropertyValue) -> str:
    """A policy as a program gives it, from one that boto3 has decoded already."""
    return told if isinstance(told, str) else json.dumps(told, sort_keys=True)
