"""The configuration of a stack's machines in clouds: what stands under `mcp-fleet:hosts`."""

from collections.abc import Mapping
from typing import Annotated, Final, Literal

from pydantic import Field

from .config_model import ConfigModel, Label

LOCAL: Final = "local"
AWS_PLACE: Final = "aws"
LAMBDA_LABS_PLACE: Final = "lambda_labs"
GPU_PLACE: Final = "gpu"
"""Where a server runs that may be on any machine of a cloud, or on any that has GPUs."""
EMAIL = r"^[^@\s]+@[^@\s]+$"


def parse_hosts(value: object) -> "Literal['local'] | CloudHosts":
    """Return what `value` says. Raises ValueError, of which ValidationError is one."""
    if value == LOCAL:
        return "local"
    if isinstance(value, CloudHosts):
        return value
    if isinstance(value, Mapping):
        return CloudHosts.model_validate(value)
    raise ValueError(f"{value!r} is no place for a stack; write local, or the machines of a cloud, aws: {{…}}")


class AwsGroup(ConfigModel):
    """Machines that are alike."""

    role: Literal["manager", "worker"]
    """Its part in the Swarm. A stack has 1, 3 or 5 managers, all in one group."""
    count: Annotated[int, Field(ge=1, le=50)]
    """How many; they take turns in the zones."""
    type: Annotated[str, Field(pattern=r"^[a-z0-9-]+\.[a-z0-9-]+$")]
    """Instance type, such as t3.large, or t4g.large for ARM."""
    disk_gibibytes: Annotated[int, Field(ge=8, le=16384)] = 50
    """Size of its one disk, in GiB."""


class AwsDomain(ConfigModel):
    """How clients call the fleet."""

    name: Annotated[str, Field(pattern=r"^([a-z0-9]([a-z0-9-]*[a-z0-9])?\.)+[a-z]{2,}$")]
    """Its name, such as mcp.example.com."""
    hosted_zone: Annotated[str, Field(pattern=r"^[A-Z0-9]{1,32}$")]
    """Id of the Route 53 zone that the name is in."""


class AwsBudget(ConfigModel):
    """What all of the account may cost in a month."""

    dollars: Annotated[int, Field(ge=1)]
    """The amount, in US dollars."""
    emails: Annotated[tuple[Annotated[str, Field(pattern=EMAIL)], ...], Field(min_length=1, max_length=10)]
    """Who is told when most of it is spent, and before more is."""


class AwsConfig(ConfigModel):
    """Machines on AWS, and what a fleet needs around them."""

    region: Annotated[str, Field(pattern=r"^[a-z]{2}(-[a-z]+)+-\d$")]
    """Such as eu-west-1."""
    zones: Annotated[tuple[str, ...], Field(min_length=1)]
    """Availability zones of the region; three or more where there are three managers. Append only: another order is
    another place for machines."""
    groups: Annotated[dict[Label, AwsGroup], Field(min_length=1)]
    """The machines, by the name of their group. The name is a place for servers too."""
    images: dict[Literal["x86_64", "arm64"], Annotated[str, Field(pattern=r"^ami-[0-9a-f]{8}([0-9a-f]{9})?$")]]
    """Id of a Debian or Ubuntu image in the region for each architecture in use. Another one replaces machines."""
    domain: AwsDomain
    """How clients call the fleet."""
    bucket: Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$")]
    """Name of the bucket for backups, which nobody else in the world may have."""
    ssh_from: Annotated[tuple[str, ...], Field(min_length=1)]
    """Networks in CIDR form from which the hosts' SSH is reached: that of whoever runs Pulumi, and administrators'."""
    admin_keys: tuple[
        Annotated[str, Field(pattern=r"^(ssh-|ecdsa-|sk-)[\w.@-]+ [A-Za-z0-9+/]+=*( [^\n]*)?$")], ...
    ] = ()
    """Public SSH keys of people who may log in as `fleet`, besides the stack's own. Other ones replace the machines."""
    network: str = "10.80.0.0/16"
    """Addresses of the machines: a private IPv4 network of /21 or larger."""
    overlay_network: str = "10.200.0.0/16"
    """Addresses of the containers: a private IPv4 network of /23 or larger that is apart from the machines'."""
    budget: AwsBudget | None = None
    """An alarm before the account costs more than that. None when it is left out."""
    tags: dict[str, str] = Field(default={})
    """Further tags of everything in the account that can have some."""


class LambdaLabsConfig(ConfigModel):
    """Machines of Lambda Labs: workers of the Swarm, which they reach through the tunnel."""

    regions: Annotated[tuple[Label, ...], Field(min_length=1)]
    """Where they may be launched, such as us-east-1, in the order of preference."""
    types: Annotated[tuple[Annotated[str, Field(pattern=r"^[a-z0-9_]+$")], ...], Field(min_length=1)]
    """What they may be, such as gpu_1x_a10, in the order of preference: all of them with GPUs or all without."""
    count: Annotated[int, Field(ge=1, le=50)]
    """How many."""
    image: Annotated[str, Field(pattern=r"^[a-z0-9.-]*$")] = ""
    """Family of their image, such as lambda-stack-24-04. Lambda's current one when it is left out."""


class TunnelConfig(ConfigModel):
    """The WireGuard network of all machines."""

    network: str = "100.64.0.0/10"
    """Addresses of the machines in it: an IPv4 network of /16 or larger that is nobody else's."""
    port: Annotated[int, Field(ge=1024, le=65535)] = 51820
    """UDP port on each machine."""
    keys: Annotated[int, Field(ge=1)] = 1
    """Number of the keys. With another one, the next `up` gives every machine a new key."""


class CloudHosts(ConfigModel):
    """The machines of a stack that runs in clouds."""

    aws: AwsConfig
    """Machines on AWS: the managers of the Swarm, the images and the way in are there."""
    lambda_labs: LambdaLabsConfig | None = Field(default=None, alias="lambda_labs")
    """Machines of Lambda Labs. None when it is left out."""
    tunnel: TunnelConfig | None = None
    """The WireGuard network that machines of Lambda Labs need. A stack on AWS alone has one where this stands here:
    one that may get such machines later must begin with it, as no machine in a Swarm can change its address."""

    @property
    def tunnelled(self) -> TunnelConfig | None:
        """The tunnel of the stack, if it has one."""
        return self.tunnel or (TunnelConfig() if self.lambda_labs else None)
