"""Where in Redis the replicas of a server share results: a user and a part of the keys for each server."""

from typing import Final

COMMANDS: Final = ("get", "set", "pttl", "hset", "hsetnx", "hgetall", "expire")
"""What a bridge does there."""


def user(server: str) -> str:
    """Return the name of a server's user in Redis."""
    return f"mcp-{server}"


def key_prefix(server: str) -> str:
    """Return what all keys of a server begin with: its user reaches no others."""
    return f"mcp:cache:{server}:"
