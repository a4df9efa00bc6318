"""How a text travels in an HTTP header that can't carry it as it is: `=?base64?…?=` (2026-07-28, transports)."""

import base64
import binascii
from typing import Final

_OPEN: Final = "=?base64?"
_CLOSE: Final = "?="


def decode_header(value: str | None) -> str | None:
    """Return the text that a header means; None where there is none or its base64 is not canonical UTF-8."""
    if value is None or not (value.startswith(_OPEN) and value.endswith(_CLOSE) and len(value) >= len(_OPEN + _CLOSE)):
        return value
    payload = value[len(_OPEN) : -len(_CLOSE)]
    try:
        raw = base64.b64decode(payload, validate=True)
        return raw.decode() if base64.b64encode(raw).decode() == payload else None
    except (binascii.Error, UnicodeDecodeError):
        return None
