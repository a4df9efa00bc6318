"""The bodies that the API takes, and what it refuses in them. Every model forbids fields that are not described."""

import ipaddress
from typing import Annotated, Literal, Self, TypeVar

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StringConstraints, ValidationError, model_validator

from .errors import ApiError

USER_DATA_BYTES = 1_000_000


class _Body(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


def _ipv4_network(text: str) -> str:
    ipaddress.IPv4Network(text)
    return text


def _one_megabyte(text: str) -> str:
    if len(text.encode()) > USER_DATA_BYTES:
        raise ValueError("cannot exceed 1MB")
    return text


Name = Annotated[str, Field(max_length=64)]
Port = Annotated[int, Field(ge=1, le=65535)]


class Tag(_Body):
    key: Annotated[str, Field(max_length=55, pattern=r"^[a-z][a-z0-9-:]+$")]
    value: Annotated[str, Field(max_length=128)]


class ImageId(_Body):
    id: str


class ImageFamily(_Body):
    family: str


class Mount(_Body):
    mount_point: Annotated[str, Field(max_length=256, pattern=r"^(/home|/lambda/nfs|/data)[//a-zA-Z0-9-]*$")]
    file_system_id: str


class RulesetReference(_Body):
    id: str


class Launch(_Body):
    region_name: str
    instance_type_name: str
    ssh_key_names: Annotated[list[str], Field(min_length=1, max_length=1)]
    file_system_names: list[str] = []
    file_system_mounts: list[Mount] = []
    hostname: Annotated[str, StringConstraints(pattern=r"^[a-z0-9][0-9a-z-]{0,62}$")] | None = None
    name: Name | None = None
    image: ImageId | ImageFamily | None = None
    user_data: Annotated[str, AfterValidator(_one_megabyte)] | None = Field(default=None, repr=False)
    tags: list[Tag] = []
    firewall_rulesets: list[RulesetReference] = []


class Ids(_Body):
    instance_ids: Annotated[list[str], Field(min_length=1)]


class Rename(_Body):
    name: Name | None = None


class AddSshKey(_Body):
    name: Annotated[str, Field(min_length=1, max_length=64)]
    public_key: Annotated[str, Field(min_length=1, max_length=4096)]


class Rule(_Body):
    protocol: Literal["tcp", "udp", "icmp", "all"]
    port_range: Annotated[list[Port], Field(min_length=2, max_length=2)] | None = None
    source_network: Annotated[str, AfterValidator(_ipv4_network)]
    description: Annotated[str, Field(max_length=128)]

    @model_validator(mode="after")
    def _ports_fit(self) -> Self:
        if (self.port_range is None) != (self.protocol == "icmp"):
            raise ValueError("port_range is not allowed for icmp and required for the others")
        return self


class AddRuleset(_Body):
    name: Name
    region: str
    rules: list[Rule]


class ChangeRuleset(_Body):
    name: Name | None = None
    rules: list[Rule] | None = None


class AddFileSystem(_Body):
    name: Annotated[str, Field(min_length=1, max_length=60, pattern=r"^[a-zA-Z]+[0-9a-zA-Z-]*$")]
    region: str


B = TypeVar("B", bound=_Body)


def parse(model: type[B], body: object) -> B:
    """Return `body` as `model`.

    Raises:
        ApiError: It does not fit.
    """
    try:
        return model.model_validate(body)
    except ValidationError as error:
        first = error.errors(include_input=False)[0]
        place = ".".join(str(part) for part in first["loc"])
        raise ApiError(400, "global/invalid-parameters", f"{place}: {first['msg']}") from None
