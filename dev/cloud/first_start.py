"""What a machine is told when it starts for the first time."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, kw_only=True)
class File:
    """A file: its content and mode."""

    content: str
    mode: int = 0o644


@dataclass(frozen=True, kw_only=True)
class FirstStart:
    """What a machine makes of itself.

    Attributes:
        hostname: what it calls itself.
        users: who may log in, each with SSH keys, a line each.
        host_key: its private SSH host key, in OpenSSH's format.
        files: by path.
        commands: run once, as root, after all else.
        engine: settings of dockerd.
    """

    hostname: str
    users: Mapping[str, str]
    host_key: str = field(repr=False)
    files: Mapping[str, File] = field(default_factory=dict, repr=False)
    commands: Sequence[Sequence[str]] = ()
    engine: Mapping[str, Any] = field(default_factory=dict)
