"""What a TunnelEnd is given, checked and with plain values."""

from collections.abc import Mapping
from ipaddress import IPv4Address, IPv4Network
from typing import Annotated, Any, Final

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from components.providers.ssh_docker import SshHost

REPLACED_BY: Final = ("machine",)
"""Inputs that make it another end: its machine's successor, which has another address and another key."""
Key = Annotated[str, Field(pattern=r"^[A-Za-z0-9+/]{42}[AEIMQUYcgkosw048]=$")]
Port = Annotated[int, Field(ge=1, le=65535)]


class Peer(BaseModel):
    """Another end, as this one sees it.

    Attributes:
        name: of its host.
        host: its host's sshd, where its own end is set.
        public_key, address: its key and its address in the tunnel.
        endpoint, port: where this end's packets to it go.
        keepalive_seconds: how often one is sent, so that what lies between lets its packets in; 0 for never.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str
    host: SshHost
    public_key: Key
    address: IPv4Address
    endpoint: IPv4Address
    port: Port
    keepalive_seconds: int = Field(ge=0, le=65535)


class EndInputs(BaseModel):
    """One host's end.

    Attributes:
        name: of the host.
        machine: what tells it from its successor, such as its cloud's id for it.
        host: its sshd.
        private_key: secret; lets in at this host and at its peers.
        tunnel_key: secret; WireGuard's private key of this end. `public_key` belongs to it.
        network, address: of the tunnel, and this end's own in it.
        port: UDP port.
        mtu: largest packet inside the tunnel, in bytes.
        peers: all other ends.
        ready_seconds: how long the host may take to have WireGuard.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    name: str = Field(min_length=1)
    machine: str = Field(min_length=1)
    host: SshHost
    private_key: str = Field(repr=False)
    tunnel_key: Key = Field(repr=False)
    public_key: Key
    network: IPv4Network
    address: IPv4Address
    port: Port
    mtu: int = Field(ge=1280, le=9000)
    peers: list[Peer]
    ready_seconds: int = Field(default=300, ge=0)

    def file(self) -> str:
        """Return the end in the form that `fleet-tunnel set` takes: see components/hosts/fleet_tunnel.py."""
        own = (
            f"[Interface]\nPrivateKey = {self.tunnel_key}\nListenPort = {self.port}\n"
            f"Address = {self.address}/{self.network.prefixlen}\nMTU = {self.mtu}\n"
        )
        return own + "".join(
            f"[Peer]\nPublicKey = {peer.public_key}\nAllowedIPs = {peer.address}/32\n"
            f"Endpoint = {peer.endpoint}:{peer.port}\nPersistentKeepalive = {peer.keepalive_seconds}\n"
            for peer in self.peers
        )


def inputs_of(properties: Mapping[str, Any]) -> EndInputs:
    """Read the inputs among a resource's properties."""
    return EndInputs.model_validate({key: properties[key] for key in EndInputs.model_fields if key in properties})


def failures(news: Mapping[str, Any]) -> list[tuple[str, str]]:
    """What is wrong with new inputs: property and reason, never a value."""
    try:
        wanted = EndInputs.model_validate({key: value for key, value in news.items() if not key.startswith("__")})
    except ValidationError as error:
        return [(".".join(map(str, found["loc"])), found["msg"]) for found in error.errors(include_input=False)]
    twins = [peer.name for peer in wanted.peers if peer.address == wanted.address]
    if twins:
        reason = (
            f"{wanted.name} and {twins[0]} have the same address {wanted.address} in the tunnel, by chance; replace "
            "the machine of one of them (`pulumi up --replace`), or give the tunnel a larger network"
        )
        return [("address", reason)]
    if wanted.address not in wanted.network:
        return [("address", f"{wanted.address} of {wanted.name} is not in the tunnel's network {wanted.network}")]
    return []
