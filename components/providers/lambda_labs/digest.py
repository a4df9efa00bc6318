"""Fingerprints of secrets, for places where the secret itself must not be."""

import hashlib
import hmac
import json

from .models import Json

DIGITS = 32


def digest(key: str, value: Json) -> str:
    """Return a fingerprint of `value` that only holders of `key` can compute, so that nobody can try guesses."""
    text = json.dumps(value, sort_keys=True, separators=(",", ":"))
    return hmac.new(key.encode(), text.encode(), hashlib.sha256).hexdigest()[:DIGITS]
