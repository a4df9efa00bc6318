"""Who may call what, how often, and with which API keys: the policy that the gateway enforces."""

import hashlib
import json
from pathlib import Path
from typing import Annotated, Literal, Self

from mcp_wire import tools
from pydantic import BaseModel, ConfigDict, Field, PositiveInt, ValidationError, model_validator

OPERATOR = "operator"
"""The client that always exists, may use every server, and alone reaches the fleet's own pages under /-/."""

ANY: Literal["*"] = "*"

DNS_LABEL = r"^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$"
ServerName = Annotated[str, Field(pattern=DNS_LABEL)]
ClientName = Annotated[str, Field(pattern=r"^[a-z0-9]([a-z0-9._-]{0,62})$")]
TierName = Annotated[str, Field(pattern=r"^([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?)?$")]
ApiKey = Annotated[str, Field(min_length=16, max_length=512, pattern=r"^[\x21-\x7e]+$")]
ToolName = Annotated[str, Field(min_length=1, max_length=256)]


class PolicyError(Exception):
    """A policy can't be used. The message names the file, the key in it, and what is wrong; never an API key."""


class _Model(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)


class ClientAccess(_Model):
    """What one client may do.

    Arguments:
        rpm: requests a minute; None is unlimited.
        tier: the name of its tier, which the servers get to know.
        priority: the tier's place where calls must wait; more goes first.
        servers: "*", or the servers it may use, each with "*" or the tools it may call there.
    """

    rpm: PositiveInt | None = None
    tier: TierName = ""
    priority: Annotated[int, Field(ge=0, le=999)] = 0
    servers: Literal["*"] | dict[ServerName, Literal["*"] | frozenset[ToolName]] = ANY

    @model_validator(mode="after")
    def _tools_fit(self) -> Self:
        allowed = {} if self.servers == ANY else self.servers
        for server, names in allowed.items():
            if names != ANY and len(tools.encode(names)) > tools.MAX_BYTES:
                raise ValueError(
                    f"the tools of {server!r} take more than {tools.MAX_BYTES} bytes of a header: name fewer, or "
                    f'all by "{ANY}"'
                )
        return self

    def may_use(self, server: str) -> bool:
        """Tell whether the client may send requests to `server` at all."""
        return self.servers == ANY or server in self.servers

    def tools(self, server: str) -> frozenset[str] | None:
        """Return the tools it may call on `server`; None is all of them. Only for servers that it may use."""
        if self.servers == ANY:
            return None
        allowed = self.servers[server]
        return None if allowed == ANY else allowed


class Policy(_Model):
    """The access of every client and the keys by which each is known. The client `operator` is always there."""

    clients: dict[ClientName, ClientAccess]
    keys: dict[ClientName, frozenset[ApiKey]] = Field(repr=False)

    @model_validator(mode="before")
    @classmethod
    def _with_operator(cls, data: object) -> object:
        if isinstance(data, dict) and isinstance(data.get("clients"), dict):
            return {**data, "clients": {OPERATOR: {}, **data["clients"]}}
        return data

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if self.clients[OPERATOR] != ClientAccess():
            raise ValueError(
                f"client {OPERATOR!r} must be unlimited and may use every server: leave it out of the clients"
            )
        if unknown := self.keys.keys() - self.clients.keys():
            raise ValueError(f"keys of clients that the policy doesn't have: {', '.join(sorted(unknown))}")
        owners: dict[str, str] = {}
        for client, keys in sorted(self.keys.items()):
            for key in keys:
                if key in owners:
                    raise ValueError(
                        f"clients {owners[key]!r} and {client!r} have the same API key: generate a new one"
                    )
                owners[key] = client
        return self

    @property
    def version(self) -> str:
        """Return a hash of the content, fit for an ETag: equal policies have equal versions."""
        return hashlib.sha256(self.to_json()).hexdigest()[:16]

    def to_json(self) -> bytes:
        """Return the policy as `from_json` reads it, keys included, in one stable order."""
        return json.dumps(
            {
                "clients": {
                    name: {
                        "rpm": access.rpm,
                        "tier": access.tier,
                        "priority": access.priority,
                        "servers": _plain(access),
                    }
                    for name, access in self.clients.items()
                },
                "keys": {name: sorted(keys) for name, keys in self.keys.items()},
            },
            sort_keys=True,
        ).encode()

    @classmethod
    def from_json(cls, text: bytes, *, source: str) -> Self:
        """Read what `to_json` wrote. Raises PolicyError naming `source`."""
        return cls.from_parts(_loads(text, source), source=source)

    @classmethod
    def from_files(cls, policy_file: Path, keys_file: Path) -> Self:
        """Read `{"clients": …}` and `{"<client>": ["<key>", …]}`. Raises PolicyError where either can't be used."""
        policy = _loads(_read(policy_file), str(policy_file))
        keys = _loads(_read(keys_file), str(keys_file))
        if not isinstance(policy, dict):
            raise PolicyError(f'{policy_file}: must be an object like {{"clients": {{…}}}}')
        return cls.from_parts({**policy, "keys": keys}, source=f"{policy_file} and {keys_file}")

    @classmethod
    def from_parts(cls, parts: object, *, source: str) -> Self:
        """Validate a policy given as plain values. Raises PolicyError naming `source` and each bad key."""
        try:
            return cls.model_validate(parts)
        except ValidationError as error:
            faults = "; ".join(_fault(detail["loc"], detail["msg"]) for detail in error.errors(include_input=False))
            raise PolicyError(f"{source}: {faults}") from None  # the cause would show API keys


def _plain(access: ClientAccess) -> object:
    if access.servers == ANY:
        return ANY
    return {server: tools if tools == ANY else sorted(tools) for server, tools in access.servers.items()}


def _fault(location: tuple[int | str, ...], message: str) -> str:
    # A frozenset has no index that a reader could use, and its members may be API keys.
    path = ".".join(str(part) for part in location[: 2 if location[:1] == ("keys",) else None])
    return f"{path}: {message}" if path else message


def _read(file: Path) -> bytes:
    try:
        return file.read_bytes()
    except OSError as error:
        raise PolicyError(f"{file}: {error.strerror}") from error


def _loads(text: bytes, source: str) -> object:
    try:
        return json.loads(text)
    except ValueError as error:
        # A JSONDecodeError carries the whole document: name the place only.
        raise PolicyError(f"{source}: not JSON ({getattr(error, 'msg', 'not UTF-8')})") from None
