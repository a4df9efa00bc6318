"""What a fleet needs of the place where it runs, whichever place that is."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import pulumi
import pulumi_docker as docker
import pulumi_random as random

from components.fleet import Fleet
from components.image import Platform, RegistryAccount

from .hosts_config import AWS_PLACE, GPU_PLACE, LAMBDA_LABS_PLACE

GROUP_LABEL = "group"
PLACE_LABEL = "place"
ZONE_LABEL = "zone"
GPU_LABEL = "gpu"
"""Of a node: the group that its machine is in, its cloud, its zone there, and whether it has GPUs."""


@dataclass(frozen=True, kw_only=True)
class Site:
    """Where a fleet runs, and how it is reached.

    Attributes:
        fleet: what the components share.
        provider: speaks to a manager of the Swarm.
        goes_with: the machines, where they are the stack's: what is on them is deleted with them, not by itself.
        registries: where each image goes, by the name of its server, `gateway` or `remote`.
        platforms: what images are built for; the builder's own if there is none.
        tags: of those images that can't have their version as their tag.
        first: what has to be there before an image is pushed, besides its registry's address.
        url: how clients call the gateway, without a slash at its end.
        gateways: how many gateways there can be, each on a host of its own.
        notice_seconds: how long what is in front of them takes to see that one leaves.
        entrances: placement constraints of the gateway; none where all hosts are reached from outside.
        spread: labels over whose values replicas are spread.
        absent: what Prometheus finds elsewhere and not here.
        managers: a secret, where the machines are the stack's: how `fleet status` reaches their Docker.
    """

    fleet: Fleet
    provider: docker.Provider
    goes_with: pulumi.Resource | None = None
    registries: Mapping[str, RegistryAccount]
    platforms: Sequence[Platform] = ()
    tags: Mapping[str, str] = field(default_factory=dict)
    first: tuple[pulumi.Resource, ...] = ()
    url: str
    gateways: int = 1
    notice_seconds: int = 0
    entrances: Sequence[str] = ()
    spread: Sequence[str] = ()
    absent: frozenset[str] = frozenset()
    managers: pulumi.Output[Mapping[str, Any]] | None = None


def password(name: str, *, length: int) -> random.RandomPassword:
    """Create a random text of so many letters and digits, which is kept as a secret."""
    return random.RandomPassword(name, random.RandomPasswordArgs(length=length, special=False))


def constraints(place: str | None) -> Sequence[str]:
    """Return the placement constraints of a server whose config has this `place`."""
    if place is None:
        return ()
    if place == GPU_PLACE:
        return (f"node.labels.{GPU_LABEL} == true",)
    return (f"node.labels.{PLACE_LABEL if place in (AWS_PLACE, LAMBDA_LABS_PLACE) else GROUP_LABEL} == {place}",)
