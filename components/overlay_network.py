"""The network that joins a fleet's containers on several hosts."""

from dataclasses import dataclass
from typing import Final

import pulumi
import pulumi_docker as docker

MTU_OPTION: Final = "com.docker.network.driver.mtu"
"""Source: https://docs.docker.com/engine/network/drivers/overlay/"""


@dataclass(frozen=True, kw_only=True)
class OverlayNetworkArgs:
    """Arguments of OverlayNetwork.

    Arguments:
        network: its name.
        mtu: largest packet between the hosts, in bytes, where it isn't the 1500 that Docker takes for granted. Those of
            containers are smaller by VXLAN's 50.
    """

    network: pulumi.Input[str]
    mtu: int | None = None


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
            docker.NetworkArgs(
                name=args.network,
                driver="overlay",
                options=None if args.mtu is None else {MTU_OPTION: str(args.mtu)},
            ),
            # Docker adds the numbers of its VXLANs to the options: after a refresh they would differ, and be replaced.
            opts=pulumi.ResourceOptions(parent=self, ignore_changes=["options"]),
        )
        self.outputs = OverlayNetworkOutputs(network=network.id)
        self.register_outputs(vars(self.outputs))
