"""Whether the tools that a child lists are those that were reviewed, and what follows where they are not."""

from collections.abc import Callable, Mapping, Sequence
from enum import StrEnum
from typing import Any, Final

import msgspec
from mcp_wire.tool_surface import fingerprint_of

from .envelope import members
from .errors import RpcError, UnavailableError

SHOWN: Final = 10
"""How many changed tools are named."""


class Difference(StrEnum):
    """How a tool differs from what was reviewed."""

    CHANGED = "changed"
    NEW = "new"
    MISSING = "missing"


class ReviewedTools:
    """Compares lists of tools with the reviewed ones. What once differed stays so for as long as the replica lives.

    Arguments:
        reviewed: fingerprints by tool; None where nobody reviewed them, and so nothing differs.
        quarantine: whether a difference ends the service.
        differs: is told when a further tool differs.
    """

    def __init__(
        self, reviewed: Mapping[str, str] | None, *, quarantine: bool, differs: Callable[["ReviewedTools"], None]
    ) -> None:
        self._reviewed = reviewed
        self._quarantine = quarantine
        self._differs = differs
        self.differences: dict[str, Difference] = {}

    @property
    def known(self) -> bool:
        """Whether there is anything to compare with."""
        return self._reviewed is not None

    @property
    def quarantined(self) -> bool:
        """Whether no client may be served any more."""
        return self._quarantine and bool(self.differences)

    @property
    def named(self) -> str:
        """The tools that differ, and how."""
        named = [f"{name!r} ({how})" for name, how in sorted(self.differences.items())]
        return ", ".join(named[:SHOWN]) + (f" and {len(named) - SHOWN} more" if len(named) > SHOWN else "")

    @property
    def reason(self) -> str:
        """What is wrong, in words; empty where nothing is."""
        return f"its tools are not those that were reviewed: {self.named}" if self.differences else ""

    @property
    def refusal(self) -> RpcError | None:
        """What clients are told in quarantine, None outside."""
        if not self.quarantined:
            return None
        return UnavailableError(f"The server is in quarantine: {self.reason}. Ask an operator to review them.")

    def survey(self, tools: Mapping[str, str]) -> None:
        """Compare all tools of a child, by their fingerprints."""
        if self._reviewed is None:
            return
        missing = dict.fromkeys(self._reviewed.keys() - tools.keys(), Difference.MISSING)
        self._note({**missing, **self._compared(self._reviewed, tools)})

    def check(self, result: bytes) -> RpcError | None:
        """Compare the tools in a child's answer to tools/list, in quarantine mode. Returns why no client may see it."""
        if self._reviewed is None or not self._quarantine:
            return None
        self._note(self._compared(self._reviewed, fingerprints(_listed(result))))
        return self.refusal

    def _compared(self, reviewed: Mapping[str, str], tools: Mapping[str, str]) -> dict[str, Difference]:
        return {
            name: Difference.CHANGED if name in reviewed else Difference.NEW
            for name, found in tools.items()
            if reviewed.get(name) != found
        }

    def _note(self, found: Mapping[str, Difference]) -> None:
        if found.keys() <= self.differences.keys():
            return
        self.differences |= found
        self._differs(self)


def fingerprints(tools: Sequence[Any]) -> dict[str, str]:
    """Return the fingerprints of tools by name. What has no name is no tool that a client could call."""
    named = [tool for tool in tools if isinstance(tool, dict) and isinstance(tool.get("name"), str)]
    return {tool["name"]: fingerprint_of(tool) for tool in named}


def _listed(result: bytes) -> list[Any]:
    """Return the tools of a result; one that can't be read is refused elsewhere."""
    try:
        return msgspec.json.decode(members(result)["tools"], type=list[Any])
    except (KeyError, msgspec.DecodeError, UnicodeDecodeError):
        return []
