"""How a remote server is reached: the credentials that the fleet itself shows to it."""

import re
from collections.abc import Iterator, Mapping
from typing import Annotated, Literal

from pydantic import Field

from .config_model import ConfigModel

REFERENCE = re.compile(r"\{([A-Za-z_][A-Za-z0-9_]*)\}")
"""Where a text has `{NAME}`, the value of the secret NAME belongs."""
CREDENTIAL = re.compile(r"authorization|cookie|(.*[-_])?(key|token|secret|password)", re.IGNORECASE)
"""Headers whose values are secrets by their names."""
OWN_HEADERS = frozenset({"accept", "content-length", "content-type", "host", "last-event-id", "transfer-encoding"})
"""What HTTP and MCP need for themselves, besides all that begins with `mcp-`."""

HeaderName = Annotated[str, Field(pattern=r"^[A-Za-z0-9!#$%&'*+.^_`|~-]+$")]
HeaderValue = Annotated[str, Field(min_length=1, pattern=r"^[\x20-\x7e]*$")]
_TOKEN_URL = r"^https://[^\s/@?#]+(/[^\s#]*)?$"  # noqa: S105 - a pattern


class AuthConfig(ConfigModel):
    """OAuth's client credentials (RFC 6749, 4.4): the fleet gets a token by itself, and a new one before it expires."""

    token_url: Annotated[str, Field(pattern=_TOKEN_URL)]
    """Token endpoint of the authorization server."""
    client_id: Annotated[str, Field(min_length=1)]
    """What the fleet is registered as; {NAME} is the secret NAME."""
    client_secret: Annotated[str, Field(pattern=rf"^{REFERENCE.pattern}$")]
    """The name of the secret, in braces: {GONG_CLIENT_SECRET}."""
    scopes: tuple[Annotated[str, Field(pattern=r"^[\x21\x23-\x5b\x5d-\x7e]+$")], ...] = ()
    """What the token is to be good for."""
    resource: Annotated[str, Field(pattern=r"^https://[^\s#]+$")] | None = None
    """URL that the token is for, where the authorization server asks for it (RFC 8707)."""
    client_authentication: Literal["basic", "post"] = "basic"
    """How id and secret are sent: in a header, or in the body."""


def references(headers: Mapping[str, str], auth: AuthConfig | None) -> Iterator[str]:
    """Yield the names of the secrets that a server's credentials are made of."""
    for text in (*headers.values(), *((auth.client_id, auth.client_secret) if auth else ())):
        yield from REFERENCE.findall(text)


def arguments(url: str, headers: Mapping[str, str], auth: AuthConfig | None) -> tuple[str, ...]:
    """Return what `mcp-remote` is told. There are names of variables in it, and no secrets."""
    told = [url, *(f"--header={name}: {value}" for name, value in headers.items())]
    if auth is not None:
        told += [
            f"--token-url={auth.token_url}",
            f"--client-id={auth.client_id}",
            f"--client-secret={auth.client_secret}",
            *(f"--scope={scope}" for scope in auth.scopes),
            *([f"--resource={auth.resource}"] if auth.resource else []),
            f"--client-authentication={auth.client_authentication}",
        ]
    return tuple(told)
