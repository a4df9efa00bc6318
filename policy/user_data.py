"""What a machine is told at its first start, as texts with names, however it is packed.

Source: https://cloudinit.readthedocs.io/en/latest/explanation/format.html
"""

import base64
import binascii
import re
import zlib
from collections.abc import Iterator, Mapping
from typing import Any

import yaml

CLOUD_CONFIG = "#cloud-config"
HOST_KEYS = "ssh_keys"
"""A machine's own host keys, of which cloud-init has no other source: who reads them can pass for the machine, and no
more. Decision 0015 says why they are planted."""
GZIP = b"\x1f\x8b"
BYTES = 1 << 20
"""What is unpacked of a text at most: a cloud takes 16 KiB."""
_PACKED = re.compile(r"[A-Za-z0-9+/]{24,}={0,2}")
_ASSIGNMENT = re.compile(
    r"""^\s*(?:export\s+|-\s+)?["']?(?P<name>\w+)["']?\s*[=:]\s*["']?(?P<value>[^\s"'#][^\s"']*)""", re.M
)
_REFERENCE = ("$", "/", "{", "<")
"""How a value begins that only says where the secret is."""


def named_texts(text: str) -> Iterator[tuple[str, str, str]]:
    """Yield the texts in user data: (where in it, the name of what it is the value of or nothing, text).

    Args:
        text: as it is, or in base64, or gzip in base64.
    """
    opened = _unpacked(text) or text
    document = _cloud_config(opened)
    if document is None:
        yield from _with_contents("", "", opened)
        return
    kept = {key: value for key, value in document.items() if key != HOST_KEYS}
    for place, name, value in _leaves(kept, "", ""):
        yield from _with_contents(place, name, value)


def _cloud_config(text: str) -> Mapping[str, Any] | None:
    if not text.lstrip().startswith(CLOUD_CONFIG):
        return None
    try:
        document = yaml.safe_load(text)
    except yaml.YAMLError:
        return None  # it is looked through as a text
    return document if isinstance(document, Mapping) else None


def _leaves(value: Any, place: str, name: str) -> Iterator[tuple[str, str, str]]:  # noqa: ANN401 - any YAML
    if isinstance(value, Mapping):
        for key, item in value.items():
            yield from _leaves(item, f"{place}.{key}", str(key))
    elif isinstance(value, list):
        for number, item in enumerate(value):
            yield from _leaves(item, f"{place}[{number}]", name)
    elif isinstance(value, str | bytes):
        yield place, name, value if isinstance(value, str) else value.decode(errors="replace")


def _with_contents(place: str, name: str, text: str) -> Iterator[tuple[str, str, str]]:
    """The text, what is assigned in its lines, and the same of what is packed in it."""
    yield place, name, text
    for packed in ("", *_PACKED.findall(text)):
        opened = _unpacked(packed) if packed else text
        if packed and opened:
            yield place, "", opened
        for found in _ASSIGNMENT.finditer(opened or ""):
            if not found["value"].startswith(_REFERENCE):
                yield f"{place}: {found['name']}", found["name"], found["value"]


def _unpacked(text: str) -> str | None:
    """What base64 says, also of gzip; None where the text is none, or not of a text."""
    try:
        content = base64.b64decode("".join(text.split()), validate=True)
        if content.startswith(GZIP):
            content = zlib.decompressobj(wbits=zlib.MAX_WBITS | 16).decompress(content, BYTES)
        return content.decode()
    except (binascii.Error, zlib.error, UnicodeDecodeError):
        return None
