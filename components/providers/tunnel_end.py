"""A host's end of the fleet's WireGuard network as a resource: its key, its address, and its peers.

A dynamic provider, as in docs/decisions/0013; the names of this module and of its provider's class are in every state
that has such a resource: they never change.
"""

import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import pulumi
from pulumi import dynamic

from .plain_errors import in_one_sentence
from .preview_values import as_written, unknown
from .ssh_docker import HostError
from .tunnel import host
from .tunnel.inputs import REPLACED_BY, EndInputs, failures, inputs_of

STRAYS: Final = "strays"
"""Output: keys of peers that a refresh found and nobody asked for. The next `up` drops them."""


class TunnelEndProvider(dynamic.ResourceProvider):
    """Stateless, so that what is stored with each resource is this class's name and nothing else.

    A peer that comes is added by the update of each other end. One that goes is dropped by its own deletion, so that it
    is reached until its node has left the Swarm.
    """

    serialize_as_secret_always = False

    def check(self, _olds: dict[str, Any], _news: dict[str, Any]) -> dynamic.CheckResult:
        """Validate the inputs."""
        news: dict[str, Any] = as_written(_news)
        if unknown(news):
            return dynamic.CheckResult(news, [])
        found = [dynamic.CheckFailure(name, reason) for name, reason in failures(news)]
        return dynamic.CheckResult(news if found else inputs_of(news).model_dump(mode="json"), found)

    def diff(self, _id: str, _olds: dict[str, Any], _news: dict[str, Any]) -> dynamic.DiffResult:
        """Say what changes; only another machine is another end."""
        news: dict[str, Any] = as_written(_news)
        names = [name for name in EndInputs.model_fields if news.get(name) != _olds.get(name)]
        replaces: list[str] = [name for name in REPLACED_BY if name in names]
        return dynamic.DiffResult(changes=bool(names or _olds.get(STRAYS)), replaces=replaces)

    @in_one_sentence
    def create(self, props: dict[str, Any]) -> dynamic.CreateResult:
        """Give the host its end."""
        inputs = inputs_of(props)
        host.set_end(inputs)
        return dynamic.CreateResult(inputs.machine, _outputs(inputs))

    @in_one_sentence
    def read(self, id_: str, props: dict[str, Any]) -> dynamic.ReadResult:
        """Tell what the interface has. Of a host that doesn't answer nothing new is known."""
        inputs = inputs_of(props)
        try:
            found = host.seen(inputs)
        except HostError as error:
            say(f"not looked at: {error}")
            return dynamic.ReadResult(id_, props)
        if found is None:
            return dynamic.ReadResult("", {})
        kept = inputs.model_dump(mode="json")
        kept["public_key"] = found.public_key
        kept["peers"] = [peer for peer in kept["peers"] if peer["public_key"] in found.peers]
        strays = sorted(found.peers - {peer.public_key for peer in inputs.peers})
        return dynamic.ReadResult(id_, {**props, **kept, STRAYS: strays})

    @in_one_sentence
    def update(self, _id: str, _olds: dict[str, Any], _news: dict[str, Any]) -> dynamic.UpdateResult:
        """Add peers, or give them or this end other keys. What is not changed goes on."""
        inputs = inputs_of(_news)
        host.set_end(inputs, strays=_olds.get(STRAYS) or ())
        return dynamic.UpdateResult(_outputs(inputs))

    @in_one_sentence
    def delete(self, _id: str, _props: dict[str, Any]) -> None:
        """Have the peers drop it, and end it."""
        for why in host.forget(inputs_of(_props)):
            say(f"could not be told, and forgets by the next `pulumi up --refresh`: {why}")


@dataclass(frozen=True, kw_only=True)
class TunnelEndArgs:
    """Arguments of TunnelEnd; `components.providers.tunnel.inputs` says what each means."""

    name: pulumi.Input[str]
    machine: pulumi.Input[str]
    host: pulumi.Input[Mapping[str, pulumi.Input[Any]]]
    private_key: pulumi.Input[str]
    tunnel_key: pulumi.Input[str]
    public_key: pulumi.Input[str]
    network: pulumi.Input[str]
    address: pulumi.Input[str]
    port: pulumi.Input[int]
    mtu: pulumi.Input[int]
    peers: pulumi.Input[Sequence[pulumi.Input[Mapping[str, pulumi.Input[Any]]]]]
    ready_seconds: pulumi.Input[int] = 300


class TunnelEnd(dynamic.Resource, module="mcp-fleet", name="TunnelEnd"):
    """One host in the tunnel. Its id is its machine's.

    Attributes:
        address: its own in the tunnel, once the host has it.
    """

    address: pulumi.Output[str]

    def __init__(self, name: str, args: TunnelEndArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        secret = ["private_key", "tunnel_key"]
        options = pulumi.ResourceOptions.merge(opts, pulumi.ResourceOptions(additional_secret_outputs=secret))
        values: dict[str, Any] = {
            **vars(args),
            **{key: pulumi.Output.secret(getattr(args, key)) for key in secret},
            STRAYS: None,
        }
        super().__init__(TunnelEndProvider(), name, values, options)


def say(message: str) -> None:
    """Tell the user something while an operation goes on: Pulumi shows what a provider prints."""
    print(f"tunnel: {message}", file=sys.stderr, flush=True)


def _outputs(inputs: EndInputs) -> dict[str, Any]:
    return {**inputs.model_dump(mode="json"), STRAYS: []}
