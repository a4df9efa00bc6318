"""What Lambda Cloud answers, as far as the provider reads it. Tokens that the answers also carry are left out.

Source: Lambda's OpenAPI description 1.10.0 (https://docs-api.lambda.ai/api/cloud).
"""

from collections.abc import Sequence
from typing import Any, TypeAlias

from pydantic import BaseModel, ConfigDict

GONE = frozenset({"terminating", "terminated"})
"""States from which a machine does not come back, and in which it needs no termination."""
LOST = GONE | {"preempted"}
"""States of a machine that is none any more."""


Json: TypeAlias = Any
"""What JSON can say."""


class _Answer(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore")


class Region(_Answer):
    """A region by its code."""

    name: str


class TypeName(_Answer):
    """A type of machine, with what it costs in US cents an hour."""

    name: str
    price_cents_per_hour: int


class TypeOffer(_Answer):
    """A type of machine, and where it can be had right now. That is a hint: a launch may still be refused."""

    instance_type: TypeName
    regions_with_capacity_available: tuple[Region, ...]

    @property
    def regions(self) -> frozenset[str]:
        """The codes of the regions that have some."""
        return frozenset(region.name for region in self.regions_with_capacity_available)


class Tag(_Answer):
    """A tag of a machine, given at its launch."""

    key: str
    value: str


class Instance(_Answer):
    """A machine: booting, active, unhealthy, terminating, terminated or preempted. It has no `ip` while it boots."""

    id: str
    status: str
    region: Region
    instance_type: TypeName
    name: str = ""
    ip: str = ""
    private_ip: str = ""
    tags: tuple[Tag, ...] = ()

    def tagged(self, tags: dict[str, str]) -> bool:
        """Whether it has all of `tags`."""
        own = {tag.key: tag.value for tag in self.tags}
        return tags.items() <= own.items()


class SshKey(_Answer):
    """A public key that machines can be launched with."""

    id: str
    name: str
    public_key: str


class FirewallRule(_Answer):
    """What a machine lets in. `port_range` is missing for ICMP."""

    protocol: str
    source_network: str
    description: str
    port_range: tuple[int, int] | None = None


class Ruleset(_Answer):
    """Firewall rules of one region."""

    id: str
    name: str
    region: Region
    rules: tuple[FirewallRule, ...]


class FileSystem(_Answer):
    """Storage of one region that machines mount."""

    id: str
    name: str
    region: Region
    mount_point: str


class Launched(_Answer):
    """The answer to a launch."""

    instance_ids: Sequence[str]
