"""What a server offers as tools, as hashes: how the lock and the bridge agree on whether one changed."""

import hashlib
import json
from collections.abc import Mapping
from typing import Any

_TOLD = ("name", "description")


def definition_hash(tool: Mapping[str, Any]) -> str:
    """Return a hash of all that a server says of a tool but its name and description: schemas, annotations, title."""
    return _hash({key: value for key, value in tool.items() if key not in _TOLD})


def fingerprint(description: str, definition: str) -> str:
    """Return a hash of a tool, of its description and its `definition_hash`."""
    return _hash([description, definition])


def fingerprint_of(tool: Mapping[str, Any]) -> str:
    """Return the hash of a tool as its server tells of it."""
    return fingerprint(str(tool.get("description") or ""), definition_hash(tool))


def _hash(content: object) -> str:
    canonical = json.dumps(content, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return hashlib.sha256(canonical.encode("utf-8", "surrogatepass")).hexdigest()
