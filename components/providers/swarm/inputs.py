"""What a SwarmNode is given, checked and with plain values."""

from collections.abc import Mapping
from ipaddress import IPv4Network
from typing import Any, Final, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator

from components.providers.ssh_docker import SshHost

REPLACED_BY: Final = ("machine", "advertise_address", "node")
"""Inputs that make it another node. A manager can't change its address: https://github.com/moby/swarmkit/issues/642"""
FIXED: Final = ("swarm", "address_pools", "data_path_port")
"""Inputs that are the whole Swarm's, and are given when it is made."""


class NodeInputs(BaseModel):
    """One host's part in a Swarm.

    Attributes:
        swarm: name of the Swarm; nodes of another one are never touched.
        node: what the stack calls this node; the machine that takes its place has the same name.
        machine: what tells this machine from its successor, such as its cloud's id for it.
        founder: whether it makes the Swarm if there is none yet; true for one manager.
        host: its sshd.
        private_key: secret; lets in at the host and at the managers.
        advertise_address: its address for the other nodes, such as its WireGuard address.
        role: `manager` or `worker`.
        availability: `active`, `pause` or `drain`.
        labels: of the node.
        managers: the sshd of every manager of the Swarm, this one included if it is one.
        address_pools: networks for the overlay networks, in CIDR form; Docker's own if empty.
        data_path_port: UDP port of the overlay networks' traffic.
        ready_seconds: how long the host's Docker may take to come up.
        drain_seconds: how long its services may take to run elsewhere.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    swarm: str = Field(min_length=1)
    node: str = Field(min_length=1)
    machine: str = Field(min_length=1)
    founder: bool = False
    host: SshHost
    private_key: str = Field(repr=False)
    advertise_address: str
    role: Literal["manager", "worker"]
    availability: Literal["active", "pause", "drain"] = "active"
    labels: dict[str, str] = Field(default_factory=dict)
    managers: list[SshHost] = Field(min_length=1)
    address_pools: list[IPv4Network] = Field(default_factory=list)
    data_path_port: int = Field(default=4789, ge=1024, le=49151)
    ready_seconds: int = Field(default=300, ge=0)
    drain_seconds: int = Field(default=300, ge=0)

    @field_validator("private_key")
    @classmethod
    def _is_private_key(cls, value: str) -> str:
        if "PRIVATE KEY-----" not in value:
            raise ValueError("expected the text of an unencrypted OpenSSH private key")
        return value

    @property
    def others(self) -> list[SshHost]:
        """The managers but for this host."""
        own = (self.host.address, self.host.port)
        return [manager for manager in self.managers if (manager.address, manager.port) != own]


def inputs_of(properties: Mapping[str, Any]) -> NodeInputs:
    """Read the inputs among a resource's properties."""
    return NodeInputs.model_validate({key: properties[key] for key in NodeInputs.model_fields if key in properties})


def failures(olds: Mapping[str, Any], news: Mapping[str, Any]) -> list[tuple[str, str]]:
    """What is wrong with new inputs: property and reason, never a value; `olds` is empty for a new resource."""
    try:
        wanted = NodeInputs.model_validate({key: value for key, value in news.items() if not key.startswith("__")})
    except ValidationError as error:
        return [(".".join(map(str, found["loc"])), found["msg"]) for found in error.errors(include_input=False)]
    if wanted.role == "manager" and len(wanted.others) == len(wanted.managers):
        return [("managers", f"{wanted.node} is a manager, but its own host is not among the managers")]
    if not olds:
        return []
    before = inputs_of(olds)
    if before.machine == wanted.machine and before.advertise_address != wanted.advertise_address:
        reason = (
            f"{wanted.node} is in the Swarm at {before.advertise_address}, and a machine keeps its address for life; "
            "put back what gave it that one (a tunnel was added, left out or renumbered), or build the stack anew"
        )
        return [("advertise_address", reason)]
    return [
        (name, "a Swarm's own settings are fixed when it is made; put the old value back, or destroy the stack first")
        for name in FIXED
        if getattr(before, name) != getattr(wanted, name)
    ]


def changed(before: NodeInputs, after: NodeInputs) -> list[str]:
    """The names of the inputs that differ."""
    return [name for name in NodeInputs.model_fields if getattr(before, name) != getattr(after, name)]
