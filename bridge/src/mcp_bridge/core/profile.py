"""What a child said of itself when it was asked once, by `server/discover` or by `initialize`."""

from dataclasses import dataclass
from functools import cached_property
from typing import Any, Final

import msgspec
from mcp_wire.client_capabilities import CLIENT_CAPABILITIES
from msgspec import Raw

from . import revisions
from .callers import ASKS, Session
from .envelope import ABSENT
from .errors import INTERNAL_ERROR, RpcError

BRIDGE_INFO: Final = {"name": "mcp-bridge", "version": "0.1.0"}


class _Discovered(msgspec.Struct):
    supportedVersions: list[str]  # noqa: N815 - the wire's name
    capabilities: dict[str, Any] = {}
    instructions: str | None = None
    meta: dict[str, Any] = msgspec.field(name="_meta", default_factory=dict)


class _Initialized(msgspec.Struct):
    protocolVersion: str  # noqa: N815 - the wire's name
    capabilities: dict[str, Any] = {}
    serverInfo: dict[str, Any] = {}  # noqa: N815 - the wire's name
    instructions: str | None = None


@dataclass(frozen=True, kw_only=True)
class Profile:
    """A child's revision, capabilities and identity, and the answers to clients that follow from them."""

    revision: str
    capabilities: dict[str, Any]
    server_info: dict[str, Any]
    instructions: str | None

    @cached_property
    def modern(self) -> bool:
        """Whether the child speaks the stateless revision."""
        return self.revision == revisions.MODERN

    @property
    def version(self) -> str:
        """The version that the server reports of itself; `unknown` where it reports none."""
        return str(self.server_info.get("version") or "unknown")

    @property
    def name(self) -> str:
        """The name that the server reports of itself."""
        return str(self.server_info.get("name") or "unknown")

    def declares(self, capability: str, feature: str | None = None) -> bool:
        """Whether the child declared a capability, and within it a feature such as `listChanged`."""
        declared = self.capabilities.get(capability)
        if not isinstance(declared, dict):
            return False
        return feature is None or bool(declared.get(feature))

    @classmethod
    def from_discover(cls, result: Raw) -> "Profile | None":
        """Read a `server/discover` result; None where it names no revision that the bridge can speak to a child."""
        try:
            found = msgspec.json.decode(result, type=_Discovered)
        except (msgspec.DecodeError, UnicodeDecodeError):
            return None
        if revisions.MODERN not in found.supportedVersions:
            return None
        info = found.meta.get(revisions.META_SERVER_INFO)
        return cls(
            revision=revisions.MODERN,
            capabilities=found.capabilities,
            server_info=info if isinstance(info, dict) else {},
            instructions=found.instructions,
        )

    @classmethod
    def from_initialize(cls, result: Raw) -> "Profile":
        """Read an `initialize` result. Raises RpcError where it is none."""
        try:
            found = msgspec.json.decode(result, type=_Initialized)
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            raise RpcError(INTERNAL_ERROR, f"its answer to initialize is malformed: {error}") from error
        return cls(
            revision=found.protocolVersion,
            capabilities=found.capabilities,
            server_info=found.serverInfo,
            instructions=found.instructions,
        )

    def initialize_result(self, revision: str) -> bytes:
        """Return the `initialize` result for a client that was granted `revision`."""
        capabilities = dict(self.capabilities)
        if self.modern:
            # A modern child takes a log level with each request, so the bridge can serve logging/setLevel for it.
            capabilities.setdefault("logging", {})
        body: dict[str, Any] = {
            "protocolVersion": revision,
            "capabilities": capabilities,
            "serverInfo": {"name": self.name, "version": self.version, **self._identity()},
        }
        if self.instructions is not None:
            body["instructions"] = self.instructions
        return msgspec.json.encode(body)

    def discover_result(self) -> bytes:
        """Return the `server/discover` result for modern clients."""
        body: dict[str, Any] = {
            "resultType": "complete",
            "ttlMs": 0,
            "cacheScope": "private",
            "supportedVersions": [revisions.MODERN],
            "capabilities": self.capabilities,
            "_meta": self._stamp(),
        }
        if self.instructions is not None:
            body["instructions"] = self.instructions
        return msgspec.json.encode(body)

    @cached_property
    def stamp(self) -> bytes:
        """The `_meta` object that names the server in every modern result."""
        return msgspec.json.encode(self._stamp())

    def _stamp(self) -> dict[str, Any]:
        return {revisions.META_SERVER_INFO: {"name": self.name, "version": self.version, **self._identity()}}

    def _identity(self) -> dict[str, Any]:
        return {key: value for key, value in self.server_info.items() if value is not None and value != ""}


def discover_params() -> bytes:
    """Return the bridge's own modern envelope, for the requests that it makes itself."""
    meta = {
        revisions.META_VERSION: revisions.MODERN,
        revisions.META_CLIENT_INFO: BRIDGE_INFO,
        revisions.META_CLIENT_CAPABILITIES: CLIENT_CAPABILITIES,
    }
    return msgspec.json.encode({"_meta": meta})


def initialize_params(session: Session | None = None) -> bytes:
    """Return the params of `initialize` for a child: the client's own where it serves one session alone."""
    if session is None:
        revision = revisions.SESSION_REVISIONS[0]
        capabilities = CLIENT_CAPABILITIES
        info = Raw(msgspec.json.encode(BRIDGE_INFO))
    else:
        revision = session.revision
        capabilities = {name: value for name, value in session.capabilities.items() if name in ASKS.values()}
        info = session.client_info or Raw(msgspec.json.encode(BRIDGE_INFO))
    return msgspec.json.encode({"protocolVersion": revision, "capabilities": capabilities, "clientInfo": info})


NO_PARAMS: Final = bytes(ABSENT)
