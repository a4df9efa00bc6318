"""One cheap call of each server, which changes nothing: that it starts does not tell whether it is configured."""

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Final

from fleet import calls
from fleet.errors import FleetError
from fleet.outputs import Outputs

if TYPE_CHECKING:
    from mcp.types import CallToolResult

    from stacks.catalog_entry import Call
    from stacks.config import ServerConfig

TOGETHER: Final = 8
"""Servers that are called at a time."""
NOT_WELL: Final = frozenset({"degraded", "unhealthy"})
"""What the tool `health` of a server on the chassis says of itself, in a result that is no error."""

COMPLAINT: Final = re.compile(r"\s*(?:error|failed)\b", re.IGNORECASE)
"""How servers begin that tell of a failure in a result that is no error, as many do."""
COMPLAINTS: Final = {"status": "error", "object": "error", "ok": False, "success": False}
"""Members of the JSON that others tell of it with, besides `error`."""


class Configured(StrEnum):
    """What a health call shows."""

    YES = "yes"
    NO = "no"
    UNKNOWN = "unknown"


@dataclass(frozen=True, kw_only=True)
class Finding:
    """Whether a server is configured. `note` says why that is not known, or what to do; it never quotes an answer."""

    server: str
    configured: Configured
    note: str = ""

    def to_json(self) -> dict[str, str | None]:
        """As `fleet check --json` prints it."""
        return {"configured": self.configured, "note": self.note or None}


def chosen(names: Sequence[str], servers: Mapping[str, "ServerConfig"]) -> dict[str, "Call | None"]:
    """Return the health call of each of the named servers, or of all. Raises FleetError where there is no such one."""
    unknown = [name for name in names if name not in servers]
    if unknown:
        raise FleetError(f"no server {unknown[0]!r} in this stack", hint=f"servers: {', '.join(sorted(servers))}")
    entries = {name: servers[name].entry for name in names or sorted(servers)}
    return {name: entry.extension.health_call if entry else None for name, entry in entries.items()}


def check(wanted: Mapping[str, "Call | None"], exported: Outputs, client: str, seconds: float) -> list[Finding]:
    """Make the health calls, several at a time, as the client. Raises FleetError where it has no key."""
    token = exported.token(client)

    def one(server: str) -> Finding:
        call = wanted[server]
        if call is None:
            return Finding(server=server, configured=Configured.UNKNOWN, note="the catalog has no health call of it")
        if server not in exported.urls:
            note = "it was never brought up"
            return Finding(server=server, configured=Configured.UNKNOWN, note=note)
        endpoint = calls.Endpoint(server=server, url=exported.urls[server], token=token, seconds=seconds)
        return _asked(endpoint, call)

    with ThreadPoolExecutor(TOGETHER) as pool:
        return list(pool.map(one, wanted))


def _asked(endpoint: calls.Endpoint, call: "Call") -> Finding:
    try:
        well = _well(calls.call_tool(endpoint, call.tool, dict(call.arguments)))
    except calls.ServerError:
        well = False
    except FleetError:
        note = f"no answer; `fleet why {endpoint.server}` says more"
        return Finding(server=endpoint.server, configured=Configured.UNKNOWN, note=note)
    if well:
        return Finding(server=endpoint.server, configured=Configured.YES)
    # An answer may quote what it was configured with.
    note = f"{call.tool} failed; `{_command(endpoint.server, call)}` says why"
    return Finding(server=endpoint.server, configured=Configured.NO, note=note)


def _well(result: "CallToolResult") -> bool:
    status = (result.structured_content or {}).get("status")
    return not result.is_error and not any(map(_complains, calls.texts(result))) and status not in NOT_WELL


def _complains(text: str) -> bool:
    try:
        said = json.loads(text)
    except ValueError:
        return COMPLAINT.match(text) is not None
    if not isinstance(said, dict):
        return False
    return bool(said.get("error")) or any(said.get(member) == told for member, told in COMPLAINTS.items())


def _command(server: str, call: "Call") -> str:
    return f"fleet call {server} {call.shell_words}"


def all_known_are_configured(findings: Iterable[Finding]) -> bool:
    """Return whether no call failed."""
    return all(finding.configured is not Configured.NO for finding in findings)
