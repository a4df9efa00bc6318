"""What the rest of the bridge asks of the server's processes, however many there are."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from mcp_bridge.core.callers import Caller, Session
from mcp_bridge.core.errors import RpcError
from mcp_bridge.core.link import Link
from mcp_bridge.core.profile import Profile

from .breaker import BreakerState
from .survey import Survey

Proceed = Callable[[Link | RpcError], None]
"""Takes the conversation that was waited for, or why there will be none."""


@dataclass(frozen=True, kw_only=True)
class Status:
    """How the children fare.

    Arguments:
        reason: why they don't serve, None when they do.
        ready_at: monotonic seconds since when they do.
        hanging: whether they have stopped to answer.
        profile: what they said of themselves last.
        survey: what they offer.
        pids: the processes.
        restarts: how often one was started again.
        in_flight: clients' calls that wait for them.
        breaker: whether requests are refused because a child failed too often.
    """

    reason: str | None
    ready_at: float | None
    hanging: bool
    profile: Profile | None
    survey: Survey
    pids: tuple[int, ...]
    restarts: int
    in_flight: int
    breaker: BreakerState


class Processes(Protocol):
    """A strategy for children."""

    gave_up: asyncio.Future[str]

    def start(self) -> None:
        """Begin to run children."""

    async def stop(self) -> None:
        """End all children."""

    def link_for(self, caller: Caller | None) -> Link | None:
        """Return the conversation with the child that serves a caller (None: any), if it can take a call now."""

    def links(self) -> list[Link]:
        """Return all conversations."""

    def wait(self, caller: Caller | None, proceed: Proceed) -> None:
        """Call `proceed` once there is a child for the caller, or with the reason why there won't be one soon."""

    def admit(self, session: Session, proceed: Proceed) -> None:
        """Give a new session its child. Until `release`, its calls go there."""

    def release(self, session: Session) -> None:
        """A session has ended."""

    def status(self) -> Status:
        """Return how the children fare."""

    @property
    def survey(self) -> Survey:
        """What the children offer."""

    def survey_again(self, link: Link) -> None:
        """Note that a child's lists changed."""
