"""Where the managers of a stack in a cloud are, as the stack exports it and commands read it."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any


@dataclass(frozen=True, kw_only=True)
class Manager:
    """A manager: where its sshd is, who may use Docker there, and its public host key."""

    address: str
    user: str
    host_key: str


@dataclass(frozen=True, kw_only=True)
class Managers:
    """The managers of a stack, the first one first, and the key that lets in at them. Never in a repr."""

    hosts: tuple[Manager, ...]
    private_key: str = field(repr=False)

    def exported(self) -> dict[str, Any]:
        """The stack's output, which has to be a secret."""
        return asdict(self)

    @classmethod
    def read(cls, exported: Mapping[str, Any]) -> "Managers":
        """Return what the output of a stack says."""
        return cls(hosts=tuple(Manager(**host) for host in exported["hosts"]), private_key=exported["private_key"])
