"""Who may speak to the bridge at all, before a word of MCP is read: the gateway's token, Origin, Host.

What a head says is read once for all requests that repeat it.
"""

import re
from collections.abc import Collection
from dataclasses import dataclass, field
from typing import Final
from urllib.parse import urlsplit

from mcp_wire import headers as names
from mcp_wire import token, tools

from .core.access import UNRESTRICTED, Access
from .core.stateless import VERSION_HEADER
from .http.head import Head

LOOPBACK: Final = frozenset({"localhost", "127.0.0.1", "::1"})
_TOKEN: Final = names.GATEWAY_TOKEN.encode()
_CLIENT: Final = names.CLIENT.encode()
_TIER: Final = names.TIER.encode()
_PRIORITY: Final = names.PRIORITY.encode()
_TOOLS: Final = names.TOOLS.encode()
_NUMBER: Final = re.compile(r"[0-9]{1,6}")
REMEMBERED: Final = 256
"""Clients whose access is read once for many requests."""


JSON_TYPE: Final = "application/json"
EVENT_TYPE: Final = "text/event-stream"
SESSION_HEADER: Final = b"mcp-session-id"


class NotAdmittedError(Exception):
    """A request that may not come in.

    Arguments:
        status: of the answer.
        text: why.
    """

    def __init__(self, status: int, text: str) -> None:
        super().__init__(text)
        self.status = status
        self.text = text


@dataclass(frozen=True, kw_only=True, slots=True)
class Admitted:
    """What the head of a request says that may come in.

    Arguments:
        client: the client's name, which only a gateway can vouch for; empty without one.
        access: what the client may do, which only a gateway can say; everything without one.
        version: MCP-Protocol-Version, None where it is missing.
        session: Mcp-Session-Id, None where it is missing.
        sends_json: whether the body is said to be JSON.
        takes_json: whether the answer may be JSON.
        takes_events: whether the answer may be an event stream.
    """

    client: str
    access: Access
    version: str | None
    session: str | None
    sends_json: bool
    takes_json: bool
    takes_events: bool


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

    def admit(self, head: Head) -> Admitted:
        """Return what a head says. Raises NotAdmittedError where its request may not come in."""
        host = _text(head, b"host") or ""
        if self.check_host and _host_name(host) not in LOOPBACK:
            text = "The Host header is not a name of this machine. Use http://localhost, or start with --host."
            raise NotAdmittedError(421, text)
        origin = _text(head, b"origin")
        if origin is not None and not self._origin_allowed(origin, host):
            raise NotAdmittedError(403, "This Origin is not allowed. Start the bridge with --allow-origin to allow it.")
        if self.gateway_token is not None:
            given = _text(head, _TOKEN)
            if given is None or not token.matches(self.gateway_token, given):
                raise NotAdmittedError(401, "Requests must come through the gateway.")
        behind = self.gateway_token is not None
        kind = _text(head, b"content-type") or ""
        return Admitted(
            client=(_text(head, _CLIENT) or "") if behind else "",
            access=self._access(head) if behind else UNRESTRICTED,
            version=_text(head, VERSION_HEADER),
            session=_text(head, SESSION_HEADER),
            sends_json=kind.partition(";")[0].strip().lower() == JSON_TYPE,
            takes_json=_accepts(head, JSON_TYPE),
            takes_events=_accepts(head, EVENT_TYPE),
        )

    def _access(self, head: Head) -> Access:
        given = _text(head, _TIER), _text(head, _PRIORITY), _text(head, _TOOLS)
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


def _text(head: Head, name: bytes) -> str | None:
    value = head.headers.get(name)
    return None if value is None else value.decode("latin-1")


def _accepts(head: Head, kind: str) -> bool:
    """Whether Accept covers a media type; no Accept covers everything."""
    accept = _text(head, b"accept")
    if accept is None:
        return True
    family = kind.partition("/")[0] + "/*"
    given = {item.partition(";")[0].strip().lower() for item in accept.split(",")}
    return not given.isdisjoint({kind, family, "*/*"})


def _host_name(host: str) -> str | None:
    try:
        return urlsplit("//" + host).hostname
    except ValueError:
        return None
