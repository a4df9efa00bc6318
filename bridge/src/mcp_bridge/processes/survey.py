"""What a child offers: how many tools, prompts and resources, and which tools want arguments repeated in headers."""

import asyncio
from dataclasses import dataclass, field
from typing import Any, Final

import msgspec
from msgspec import Raw

from mcp_bridge.core.envelope import Envelope, members
from mcp_bridge.core.errors import RpcError
from mcp_bridge.core.link import Link
from mcp_bridge.core.parameter_headers import ToolHeaders, tool_headers
from mcp_bridge.core.profile import discover_params
from mcp_bridge.core.reviewed_tools import fingerprints

MAX_PAGES: Final = 50
LISTS: Final = {
    "tools": ("tools/list", "tools"),
    "prompts": ("prompts/list", "prompts"),
    "resources": ("resources/list", "resources"),
    "templates": ("resources/templates/list", "resourceTemplates"),
}
_CAPABILITY: Final = {"templates": "resources"}


class _Page(msgspec.Struct):
    nextCursor: str | None = None  # noqa: N815 - the wire's name
    tools: list[dict[str, Any]] = []
    prompts: list[Raw] = []
    resources: list[Raw] = []
    resourceTemplates: list[Raw] = []  # noqa: N815 - the wire's name


@dataclass(frozen=True)
class Survey:
    """What was found. `counts` is by `tools`, `prompts`, `resources`, `templates`.

    `repeatable` are the tools that are declared read-only and idempotent, `fingerprints` hashes of all by name.
    """

    counts: dict[str, int] = field(default_factory=dict)
    tool_names: frozenset[str] = frozenset()
    headers: dict[str, ToolHeaders] = field(default_factory=dict)
    repeatable: frozenset[str] = frozenset()
    fingerprints: dict[str, str] = field(default_factory=dict)

    @property
    def empty(self) -> bool:
        """Whether the child offers nothing at all."""
        return not any(self.counts.values())


async def take(link: Link) -> Survey:
    """Ask a child for its lists. A list that it declares and then refuses counts as empty."""
    counts: dict[str, int] = {}
    names: set[str] = set()
    headers: dict[str, ToolHeaders] = {}
    repeatable: set[str] = set()
    hashes: dict[str, str] = {}
    profile = link.profile
    for kind, (method, member) in LISTS.items():
        if profile is None or not profile.declares(_CAPABILITY.get(kind, kind)):
            continue
        items = await _list(link, method, member)
        counts[kind] = len(items)
        if kind == "tools":
            tools = [tool for tool in items if isinstance(tool, dict) and isinstance(tool.get("name"), str)]
            hashes = fingerprints(tools)
            names.update(tool["name"] for tool in tools)
            found = {tool["name"]: tool_headers(tool.get("inputSchema")) for tool in tools}
            repeatable.update(tool["name"] for tool in tools if _repeatable(tool.get("annotations")))
            headers.update({name: wanted for name, wanted in found.items() if wanted})
    return Survey(counts, frozenset(names), headers, frozenset(repeatable), hashes)


def _repeatable(annotations: object) -> bool:
    """Whether a tool declares that a call changes nothing and may stand for further ones."""
    hints = annotations if isinstance(annotations, dict) else {}
    return hints.get("readOnlyHint") is True and hints.get("idempotentHint") is True


async def _list(link: Link, method: str, member: str) -> list[Any]:
    found: list[Any] = []
    cursor: str | None = None
    for _ in range(MAX_PAGES):
        reply = await ask(link, method, cursor)
        if isinstance(reply, RpcError) or reply.error:
            return found
        try:
            page = msgspec.json.decode(reply.result, type=_Page)
        except (msgspec.DecodeError, UnicodeDecodeError):
            return found
        found.extend(getattr(page, member))
        cursor = page.nextCursor
        if cursor is None:
            break
    return found


async def ask(link: Link, method: str, cursor: str | None = None) -> Envelope | RpcError:
    """Make a request of the bridge's own, in the child's era, and wait for the answer."""
    answer: asyncio.Future[Envelope | RpcError] = asyncio.get_running_loop().create_future()

    def take_answer(reply: Envelope | RpcError) -> None:
        if not answer.done():
            answer.set_result(reply)

    modern = link.profile is not None and link.profile.modern
    params: dict[str, Any] = dict(members(discover_params())) if modern else {}
    if cursor is not None:
        params["cursor"] = cursor
    call = link.ask(method, msgspec.json.encode(params) if params else b"", take_answer)
    try:
        return await answer
    except asyncio.CancelledError:
        link.abandon(call, "the bridge does not wait longer")
        raise
