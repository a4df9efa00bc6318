"""Evaluates an environment's definition: literals, secrets, references, and what providers would fetch.

Source: https://www.pulumi.com/docs/esc/reference/
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, TypeAlias

from .errors import BadDefinitionError, Diagnostic

Json: TypeAlias = Any
_REFERENCE: Final = re.compile(r"\$\{([^}]*)\}")
_SECRET: Final = "fn::secret"  # noqa: S105 - a function's name
_OPEN: Final = "fn::open::"
CIPHERTEXT: Final = "ZXNjeAAAAAEAAAEA"
"""What stands for a secret in a definition that is read."""


@dataclass(frozen=True)
class Value:
    """A value as the API answers it: `content` is a scalar, or a list or mapping of values."""

    content: Json
    secret: bool = False

    def to_json(self) -> dict[str, Json]:
        """As the schema Value has it; null is left out, as by the service."""
        content = self.content
        if isinstance(content, dict):
            content = {key: value.to_json() for key, value in content.items()}
        elif isinstance(content, list):
            content = [value.to_json() for value in content]
        return {
            **({} if content is None else {"value": content}),
            **({"secret": True} if self.secret else {}),
            "trace": {},
        }


@dataclass(frozen=True)
class Evaluation:
    """One opening of an environment.

    Attributes:
        values: what stands under `values`.
        fetched: what each provider answers, by its name (`aws-secrets`).
    """

    values: Mapping[str, Json]
    fetched: Mapping[str, Json]

    def properties(self) -> dict[str, Value]:
        """Everything evaluated. Raises BadDefinitionError."""
        return {key: self._value(entry, key) for key, entry in self.values.items()}

    def _value(self, entry: Json, path: str) -> Value:
        if isinstance(entry, dict):
            functions = [key for key in entry if key.startswith("fn::")]
            if functions:
                return self._call(functions[0], entry, path)
            return Value({key: self._value(item, f"{path}.{key}") for key, item in entry.items()})
        if isinstance(entry, list):
            return Value([self._value(item, f"{path}[{index}]") for index, item in enumerate(entry)])
        if isinstance(entry, str) and (whole := _REFERENCE.fullmatch(entry)):
            return self._referred(whole[1], path)
        if isinstance(entry, str) and "${" in entry:
            raise BadDefinitionError(Diagnostic(path, "this stand-in takes a reference as a whole value only"))
        return Value(entry)

    def _call(self, function: str, entry: Mapping[str, Json], path: str) -> Value:
        if len(entry) > 1:
            raise BadDefinitionError(Diagnostic(path, "illegal call to builtin: must be the only key within an object"))
        if function == _SECRET:
            return Value(entry[function], secret=True)
        provider = function.removeprefix(_OPEN)
        if not function.startswith(_OPEN) or provider not in self.fetched:
            raise BadDefinitionError(Diagnostic(path, f"unknown built-in function {function}"))
        self._value(entry[function], path)
        return _secret(self.fetched[provider])

    def _referred(self, reference: str, path: str) -> Value:
        entry: Json = dict(self.values)
        for depth, name in enumerate(reference.split(".")):
            if isinstance(entry, dict) and any(key.startswith("fn::") for key in entry):
                found = self._value(entry, ".".join(reference.split(".")[:depth]))
                return _within(found, reference.split(".")[depth:], path)
            if not isinstance(entry, dict) or name not in entry:
                raise BadDefinitionError(Diagnostic(path, f"unknown property {name!r}"))
            entry = entry[name]
        return self._value(entry, reference)


def _within(value: Value, names: list[str], path: str) -> Value:
    for name in names:
        if not isinstance(value.content, dict) or name not in value.content:
            raise BadDefinitionError(Diagnostic(path, f"unknown property {name!r}"))
        value = value.content[name]
    return value


def _secret(content: Json) -> Value:
    if isinstance(content, dict):
        return Value({key: _secret(item) for key, item in content.items()}, secret=True)
    return Value(content, secret=True)


def encrypted(entry: Json) -> Json:
    """A definition as it is read without decryption."""
    if isinstance(entry, dict):
        return {key: {"ciphertext": CIPHERTEXT} if key == _SECRET else encrypted(item) for key, item in entry.items()}
    return [encrypted(item) for item in entry] if isinstance(entry, list) else entry
