"""Mcp-Param-* headers: arguments that a tool's schema marks with `x-mcp-header` are repeated by modern clients.

A proxy may route by them, so a request whose header and argument differ is refused (2026-07-28, transports, "Custom
headers"). The rules follow the official SDK's mcp/shared/inbound.py.
"""

import re
from collections.abc import Iterator, Mapping, Set
from typing import Any, Final

from .errors import HEADER_MISMATCH, RpcError
from .header_values import decode_header

PREFIX: Final = "mcp-param-"
MARK: Final = "x-mcp-header"
_TOKEN: Final = re.compile(r"[!#$%&'*+\-.^_`|~0-9A-Za-z]+")
_DECIMAL: Final = re.compile(r"-?[0-9]+(\.0+)?")
_TYPES: Final = frozenset({"string", "integer", "boolean"})
_SINGLE: Final = (
    "items",
    "contains",
    "unevaluatedItems",
    "additionalProperties",
    "propertyNames",
    "unevaluatedProperties",
    "not",
    "if",
    "then",
    "else",
    "contentSchema",
)
_LIST: Final = ("allOf", "anyOf", "oneOf", "prefixItems")
_MAP: Final = ("patternProperties", "dependentSchemas", "$defs", "definitions")

ToolHeaders = tuple[tuple[tuple[str, ...], str, str], ...]
"""Of one tool: the path of an argument, its header without the prefix in lower case, its JSON type."""


def tool_headers(schema: object) -> ToolHeaders:
    """Return what a tool's input schema marks; nothing where a mark is invalid: clients drop such a tool."""
    found: list[tuple[tuple[str, ...], str, str]] = []
    seen: set[str] = set()
    for path, node in _positions(schema):
        if MARK not in node:
            continue
        token, kind = node[MARK], node.get("type")
        if not isinstance(token, str) or not isinstance(kind, str) or not path:
            return ()
        if _TOKEN.fullmatch(token) is None or kind not in _TYPES or token.lower() in seen:
            return ()
        seen.add(token.lower())
        found.append((path, token.lower(), kind))
    return tuple(found)


def _positions(schema: object) -> Iterator[tuple[tuple[str, ...] | None, dict[str, Any]]]:
    """Give every schema within a schema, with the chain of properties that leads to it, None where there is none."""
    stack: list[tuple[tuple[str, ...] | None, Any]] = [((), schema)]
    while stack:
        path, node = stack.pop()
        if not isinstance(node, dict):
            continue
        yield path, node
        properties = node.get("properties")
        if isinstance(properties, dict):
            stack.extend((None if path is None else (*path, name), sub) for name, sub in properties.items())
        stack.extend((None, node[word]) for word in _SINGLE if word in node)
        stack.extend((None, sub) for word in _LIST if isinstance(node.get(word), list) for sub in node[word])
        stack.extend((None, sub) for word in _MAP if isinstance(node.get(word), dict) for sub in node[word].values())


def check(wanted: ToolHeaders, arguments: object, headers: Mapping[bytes, bytes], repeated: Set[bytes]) -> None:
    """Raise HEADER_MISMATCH where a marked argument and its header are not both absent, or both there and equal."""
    for path, token, kind in wanted:
        name = (PREFIX + token).encode()
        given = headers.get(name)
        where = f"{PREFIX}{token}"
        if name in repeated:
            raise RpcError(HEADER_MISMATCH, f"The header {where} appears more than once.")
        rendered = _render(_at(arguments, path))
        if rendered is None and given is None:
            continue
        decoded = decode_header(None if given is None else given.decode("latin-1"))
        if rendered is None or decoded is None or not _equal(kind, rendered, decoded):
            raise RpcError(HEADER_MISMATCH, f"The header {where} does not match the argument {'.'.join(path)}.")


def _at(arguments: object, path: tuple[str, ...]) -> object:
    for name in path:
        arguments = arguments.get(name) if isinstance(arguments, dict) else None
    return arguments


def _render(value: object) -> str | None:
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value) if isinstance(value, str | int | float) else None


def _equal(kind: str, rendered: str, decoded: str) -> bool:
    if kind == "integer" and _DECIMAL.fullmatch(rendered) and _DECIMAL.fullmatch(decoded):
        return _whole(rendered) == _whole(decoded)
    return rendered == decoded


def _whole(decimal: str) -> str:
    """Return the one way to write an integer. Not as an `int`: that has an end, which a client must not reach."""
    digits = decimal.partition(".")[0]
    magnitude = digits.lstrip("-").lstrip("0")
    return ("-" if digits.startswith("-") and magnitude else "") + magnitude
