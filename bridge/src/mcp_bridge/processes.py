"""Which child serves whom. One interface, so that a server can run one child for all or one for each session."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, Protocol

from .core.callers import Caller
from .core.errors import UNAVAILABLE, RpcError
from .core.link import Link, Listener
from .core.profile import Profile
from .redaction import Redactor
from .supervisor import ChildSettings, Supervisor
from .survey import Survey

START_WAIT_SECONDS: Final = 10.0
"""How long a request waits for a child that is being started again."""


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
    """

    reason: str | None
    ready_at: float | None
    hanging: bool
    profile: Profile | None
    survey: Survey
    pids: tuple[int, ...]
    restarts: int
    in_flight: int


class Processes(Protocol):
    """A strategy for children."""

    gave_up: asyncio.Future[str]

    def start(self) -> None:
        """Begin to run children."""

    async def stop(self) -> None:
        """End all children."""

    def link_for(self, caller: Caller | None) -> Link | None:
        """Return the conversation with the child that serves a caller (None: any), if it can take a call now."""

    def wait(self, caller: Caller | None, proceed: Callable[[Link | RpcError], None]) -> None:
        """Call `proceed` once there is a child for the caller, or with the reason why there won't be one soon."""

    def status(self) -> Status:
        """Return how the children fare."""

    @property
    def congested(self) -> bool:
        """Whether no further call should be put to a child now."""

    @property
    def survey(self) -> Survey:
        """What the children offer."""

    def survey_again(self) -> None:
        """Note that a child's lists changed."""


class Shared:
    """One child for everybody."""

    def __init__(
        self, settings: ChildSettings, listener: Listener, on_ready: Callable[[Link], None], redactor: Redactor
    ) -> None:
        self._listener = listener
        self._on_ready = on_ready
        self._supervisor = Supervisor(settings, self, redactor)
        self._profile: Profile | None = None
        self._waiting: list[Callable[[Link | RpcError], None]] = []
        self.gave_up = self._supervisor.gave_up

    def start(self) -> None:
        """Start the child."""
        self._supervisor.start()

    async def stop(self) -> None:
        """End the child."""
        await self._supervisor.stop()
        self._release(RpcError(UNAVAILABLE, "The server is shutting down."))

    def link_for(self, caller: Caller | None) -> Link | None:
        """Return the child's link, whoever calls; None while there is none."""
        return self._supervisor.link

    @property
    def congested(self) -> bool:
        """Whether the child is too far behind to take another call."""
        return self._supervisor.congested

    def wait(self, caller: Caller | None, proceed: Callable[[Link | RpcError], None]) -> None:
        """Wait for the child to be up, for some seconds."""
        if self._supervisor.link is not None:
            proceed(self._supervisor.link)
            return
        asyncio.get_running_loop().call_later(START_WAIT_SECONDS, self._give_up_waiting, proceed)
        self._waiting.append(proceed)

    def _give_up_waiting(self, proceed: Callable[[Link | RpcError], None]) -> None:
        if proceed in self._waiting:
            self._waiting.remove(proceed)
            reason = self._supervisor.reason or "it is starting"
            proceed(RpcError(UNAVAILABLE, f"The server is not running: {reason}. Try again later."))

    def _release(self, outcome: Link | RpcError) -> None:
        waiting, self._waiting = self._waiting, []
        for proceed in waiting:
            proceed(outcome)

    def status(self) -> Status:
        """Return how the child fares; what it said of itself last stays known while it restarts."""
        supervisor = self._supervisor
        return Status(
            reason=supervisor.reason,
            ready_at=supervisor.ready_at,
            hanging=supervisor.hanging,
            profile=self._profile,
            survey=supervisor.survey,
            pids=() if supervisor.pid is None else (supervisor.pid,),
            restarts=supervisor.restarts,
            in_flight=0 if supervisor.link is None else sum(1 for _ in supervisor.link.client_calls),
        )

    @property
    def survey(self) -> Survey:
        """What the child offers."""
        return self._supervisor.survey

    def survey_again(self) -> None:
        """Note that the child's lists changed."""
        self._supervisor.survey_again()

    # Owner of the supervisor

    def child_ready(self, link: Link) -> None:
        """A child is up: whoever waited goes on."""
        self._profile = link.profile
        self._on_ready(link)
        self._release(link)

    def child_failed(self, reason: str) -> None:
        """A child is gone: whoever waited for the first one learns it now."""
        error = RpcError(UNAVAILABLE, f"The server is not running: {reason}. Try again later.")
        self._release(error)

    def child_asks(self, link: Link, method: str, params: bytes, child_id: bytes) -> None:
        """Hand a child's request on."""
        self._listener.child_asks(link, method, params, child_id)

    def child_tells(self, link: Link, method: str, params: bytes) -> None:
        """Hand a child's notification on."""
        self._listener.child_tells(link, method, params)
