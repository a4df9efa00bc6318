"""What all components of one fleet share."""

from collections.abc import Sequence
from dataclasses import dataclass

import pulumi
import pulumi_docker as docker


@dataclass(frozen=True, kw_only=True)
class Fleet:
    """The fleet that a component belongs to.

    Arguments:
        name: what the names of all its Docker objects begin with.
        network: id of the network that joins its containers.
        name_key: the secret under which the contents of secrets are hashed into their public names.
        data_constraints: placement constraints of services with a volume, where the fleet has several hosts: a volume
            is on one of them.
    """

    name: pulumi.Input[str]
    network: pulumi.Input[str]
    name_key: pulumi.Input[str]
    data_constraints: Sequence[str] = ()


def data_volume(name: str, fleet: Fleet, parent: pulumi.Resource) -> docker.Volume:
    """Create the volume `<fleet>-<name>-data`."""
    return docker.Volume(
        name,
        docker.VolumeArgs(name=pulumi.Output.concat(fleet.name, f"-{name}-data")),
        opts=pulumi.ResourceOptions(parent=parent),
    )
