"""Who may speak to the bridge at all, before a word of MCP is read: the gateway's token, Origin, Host."""

import re
from collections.abc import Collection
from dataclasses import dataclass, field
from typing import Final
from urllib.parse import urlsplit

from mcp_wire import headers as names
from mcp_wire import token, tools

from .core.access import UNRESTRICTED, Access
from .http.request import Request

LOOPBACK: Final = frozenset({"localhost", "127.0.0.1", "::1"})
_TOKEN: Final = names.GATEWAY_TOKEN.encode()
_CLIENT: Final = names.CLIENT.encode()
_TIER: Final = names.TIER.encode()
_PRIORITY: Final = names.PRIORITY.encode()
_TOOLS: Final = names.TOOLS.encode()
_NUMBER: Final = re.compile(r"[0-9]{1,6}")
REMEMBERED: Final = 256
"""Clients whose access is read once for many requests."""


@dataclass(frozen=True, kw_only=True)
class Admission:
    """The rules.

    Arguments:
        gateway_token: what the gateway must send, None where there is no gateway.
        check_host: whether Host must be a name of the loopback interface (DNS rebinding).
        origins: Origin values that are allowed besides localhost and the host itself, such as https://app.example.com.
    """

    gateway_token: str | None
    check_host: bool
    origins: Collection[str]
    _read: dict[tuple[str | None, ...], Access] = field(default_factory=dict, init=False, repr=False)

    def refusal(self, request: Request) -> tuple[int, str] | None:
        """Return the status and the reason for which a request is refused, None where it may pass."""
        host = request.header(b"host") or ""
        if self.check_host and _host_name(host) not in LOOPBACK:
            return 421, "The Host header is not a name of this machine. Use http://localhost, or start with --host."
        origin = request.header(b"origin")
        if origin is not None and not self._origin_allowed(origin, host):
            return 403, "This Origin is not allowed. Start the bridge with --allow-origin to allow it."
        if self.gateway_token is not None:
            given = request.header(_TOKEN)
            if given is None or not token.matches(self.gateway_token, given):
                return 401, "Requests must come through the gateway."
        return None

    def client(self, request: Request) -> str:
        """Return the client's name, which only a gateway can vouch for; empty without one."""
        return (request.header(_CLIENT) or "") if self.gateway_token is not None else ""

    def access(self, request: Request) -> Access:
        """Return what the client may do, which only a gateway can say; everything without one."""
        if self.gateway_token is None:
            return UNRESTRICTED
        given = request.header(_TIER), request.header(_PRIORITY), request.header(_TOOLS)
        found = self._read.get(given)
        if found is None:
            if len(self._read) >= REMEMBERED:
                self._read.clear()
            found = self._read[given] = _access(*given)
        return found

    def _origin_allowed(self, origin: str, host: str) -> bool:
        if origin in self.origins:
            return True
        try:
            name = urlsplit(origin).hostname
        except ValueError:
            return False
        return name in LOOPBACK or (name is not None and name == _host_name(host))


def _access(tier: str | None, priority: str | None, allowed: str | None) -> Access:
    return Access(
        tier=tier or "",
        priority=int(priority) if priority is not None and _NUMBER.fullmatch(priority) else 0,
        tools=None if allowed is None else tools.decode(allowed),
    )


def _host_name(host: str) -> str | None:
    try:
        return urlsplit("//" + host).hostname
    except ValueError:
        return None
