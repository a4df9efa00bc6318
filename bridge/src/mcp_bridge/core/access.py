"""What the gateway hands over about a client, besides its name."""

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True, kw_only=True)
class Access:
    """What a client may do.

    Arguments:
        tier: the name of its tier, empty where nobody said.
        priority: its place when calls must wait; more goes first.
        tools: the tools that it may call, None for all.
    """

    tier: str = ""
    priority: int = 0
    tools: frozenset[str] | None = None


UNRESTRICTED: Final = Access()
"""What holds where no gateway says anything."""
