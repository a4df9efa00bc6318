"""One parsed HTTP request."""

from dataclasses import dataclass, field
from functools import lru_cache

from mcp_bridge.core.origin import NOWHERE, Origin


@dataclass(slots=True, eq=False)
class Request:
    """A request as it came. Header names are lower case; the last of repeated ones counts, `repeated` names them."""

    method: bytes
    path: bytes
    headers: dict[bytes, bytes]
    body: bytes = b""
    http_1_1: bool = True
    keep_alive: bool = True
    repeated: set[bytes] = field(default_factory=set)
    origin: Origin = NOWHERE

    def header(self, name: bytes) -> str | None:
        """Return a header's value, None where it was not sent."""
        value = self.headers.get(name)
        return None if value is None else value.decode("latin-1")

    def accepts(self, kind: str) -> bool:
        """Whether Accept covers a media type such as `text/event-stream`; no Accept covers everything."""
        accept = self.headers.get(b"accept")
        if accept is None:
            return True
        return _covers(accept, kind)


@lru_cache(maxsize=64)
def _covers(accept: bytes, kind: str) -> bool:
    """Whether an Accept header covers a media type. Clients send few of them, again and again."""
    family = kind.partition("/")[0] + "/*"
    given = {item.partition(";")[0].strip().lower() for item in accept.decode("latin-1").split(",")}
    return not given.isdisjoint({kind, family, "*/*"})
