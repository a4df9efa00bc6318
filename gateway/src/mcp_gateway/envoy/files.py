"""The files that Envoy watches: each a DiscoveryResponse whose version is a hash of its content.

Envoy notices a rename only, never a write in place, so every file is replaced whole.
https://www.envoyproxy.io/docs/envoy/v1.40.0/configuration/overview/xds_api#file-subscriptions
"""

import hashlib
import json
import os
from collections.abc import Sequence
from pathlib import Path

from .names import Resource


def encode(value: object) -> bytes:
    """Return JSON that is the same for equal values."""
    return json.dumps(value, sort_keys=True, separators=(",", ":")).encode()


def replace(path: Path, content: bytes) -> None:
    """Replace a file whole, for its owner's eyes only: some hold keys. Raises OSError."""
    temporary = path.with_name(f".{path.name}.new")
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        os.fchmod(descriptor, 0o600)  # one that a crash left behind keeps its mode
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    temporary.replace(path)


class DiscoveryFile:
    """One file of resources of one type."""

    def __init__(self, path: Path, type_url: str) -> None:
        self.path = path
        self._type_url = type_url
        self._written = b""

    def write(self, resources: Sequence[Resource]) -> str:
        """Put `resources` into the file unless they are there already, and return their version. Raises OSError."""
        typed = [{"@type": self._type_url, **resource} for resource in resources]
        version = hashlib.sha256(encode(typed)).hexdigest()[:16]
        content = encode({"version_info": version, "resources": typed})
        if content != self._written:
            replace(self.path, content)
            self._written = content
        return version
