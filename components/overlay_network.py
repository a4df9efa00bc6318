"""The network that joins a fleet's containers on several hosts."""

from dataclasses import dataclass

import pulumi
import pulumi_docker as docker


@dataclass(frozen=True, kw_only=True)
class OverlayNetworkArgs:
    """Arguments of OverlayNetwork. `network`: its name."""

    network: pulumi.Input[str]


@dataclass(frozen=True, kw_only=True)
class OverlayNetworkOutputs:
    """`network`: its id."""

    network: pulumi.Output[str]


class OverlayNetwork(pulumi.ComponentResource):
    """A network over all hosts of the Swarm that the given Docker provider speaks to. Only services get into it."""

    def __init__(self, name: str, args: OverlayNetworkArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("mcp-fleet:components:OverlayNetwork", name, {}, opts)
        network = docker.Network(
            name,
            docker.NetworkArgs(name=args.network, driver="overlay"),
            opts=pulumi.ResourceOptions(parent=self),
        )
        self.outputs = OverlayNetworkOutputs(network=network.id)
        self.register_outputs(vars(self.outputs))
