"""The Docker engine of this machine as the only host of a fleet."""

from dataclasses import dataclass

import pulumi
import pulumi_docker as docker


@dataclass(frozen=True, kw_only=True)
class LocalHostArgs:
    """Arguments of LocalHost. `network`: name of the network."""

    network: pulumi.Input[str]


@dataclass(frozen=True, kw_only=True)
class Host:
    """Where a fleet runs.

    Arguments:
        network: id of the network that joins all containers of the fleet.
        address: name under which clients reach the published ports.
    """

    network: pulumi.Output[str]
    address: pulumi.Output[str]


class LocalHost(pulumi.ComponentResource):
    """Makes the fleet's overlay network on the Swarm that the given Docker provider speaks to."""

    def __init__(self, name: str, args: LocalHostArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("mcp-fleet:hosts:LocalHost", name, {}, opts)
        network = docker.Network(
            name,
            docker.NetworkArgs(name=args.network, driver="overlay", attachable=True),
            opts=pulumi.ResourceOptions(parent=self),
        )
        self.outputs = Host(network=network.id, address=pulumi.Output.from_input("localhost"))
        self.register_outputs(vars(self.outputs))
