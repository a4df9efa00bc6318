"""Tokens that the gateway and its peers derive from one master secret, so that none but they can speak.

Every server gets a token of its own: a compromised server can't call another one behind the gateway's back,
and adding a server changes nothing at the gateway.
"""

import hashlib
import hmac

POLICY_AUDIENCE = "policy"
"""Audience of the token with which the gateway fetches its policy; no server's audience can equal it."""


def derive(master: str, audience: str) -> str:
    """Return the hex HMAC-SHA256 (RFC 2104) of `audience` under `master`.

    `audience` is `server:<name>`, `cache:<name>` or `database:<name>` for a replica of that server, or POLICY_AUDIENCE.
    """
    return hmac.new(master.encode(), audience.encode(), hashlib.sha256).hexdigest()


def server_audience(server: str) -> str:
    """Return the audience of the token that the gateway sends to replicas of `server`."""
    return f"server:{server}"


def cache_audience(server: str) -> str:
    """Return the audience of the token that is the password of `server` in Redis."""
    return f"cache:{server}"


def database_audience(server: str) -> str:
    """Return the audience of the token that is the password of `server` in PostgreSQL."""
    return f"database:{server}"


def matches(expected: str, given: str) -> bool:
    """Compare two tokens in constant time; `given` may be any text that a peer sent."""
    return hmac.compare_digest(expected.encode(), given.encode(errors="surrogateescape"))
