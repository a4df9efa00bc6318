"""Children for everybody: one, or several for throughput."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from mcp_bridge.core.callers import Caller, Session
from mcp_bridge.core.errors import UNAVAILABLE, RpcError, UnavailableError
from mcp_bridge.core.link import Link, Listener
from mcp_bridge.core.profile import Profile
from mcp_bridge.redaction import Redactor

from .breaker import Breaker, BreakerState
from .interface import Proceed, Status
from .run import ChildSettings
from .supervisor import Supervisor
from .survey import Survey

START_WAIT_SECONDS: Final = 10.0
"""How long a request waits for a child that is being started again."""


@dataclass(frozen=True, eq=False)
class _Waiting:
    home: Supervisor | None
    proceed: Proceed


class SharedChildren:
    """A session stays with one child; a stateless request goes to the one with the least to do.

    Arguments:
        settings: how to run a child.
        listener: takes what children say unasked.
        on_ready: is told of each child that has come up.
        redactor: masks secret values in what is shown.
        workers: how many children.
        breaker_seconds: within which five failures of a child open its circuit breaker, and for which it stays open.
        surveyed: is told what a child offers, before anybody is served by it.
    """

    def __init__(
        self,
        settings: ChildSettings,
        listener: Listener,
        on_ready: Callable[[Link], None],
        redactor: Redactor,
        *,
        workers: int,
        breaker_seconds: float,
        surveyed: Callable[[Survey], None],
    ) -> None:
        self._on_ready = on_ready
        self._supervisors = [
            Supervisor(settings, listener, self, redactor, Breaker(breaker_seconds), surveyed) for _ in range(workers)
        ]
        self._alone = self._supervisors[0] if workers == 1 else None
        self._homes: dict[Session, Supervisor] = {}
        self._waiting: list[_Waiting] = []
        self.profile: Profile | None = None
        self.gave_up: asyncio.Future[str] = asyncio.get_running_loop().create_future()

    def start(self) -> None:
        """Start the children."""
        for supervisor in self._supervisors:
            supervisor.gave_up.add_done_callback(self._gave_up)
            supervisor.start()

    def _gave_up(self, ended: asyncio.Future[str]) -> None:
        """A child that never came up would never come up in another place either."""
        error = ended.exception()
        if self.gave_up.done():
            return
        if error is not None:
            self.gave_up.set_exception(error)
        else:
            self.gave_up.set_result(ended.result())

    async def stop(self) -> None:
        """End the children."""
        await asyncio.gather(*(supervisor.stop() for supervisor in self._supervisors))
        self._release(lambda _: True, RpcError(UNAVAILABLE, "The server is shutting down."))

    def link_for(self, caller: Caller | None) -> Link | None:
        """Return the session's own child, or the least busy one for whoever has none; None while there is none."""
        if self._alone is not None:
            return self._alone.link
        home = self._homes.get(caller) if isinstance(caller, Session) else None
        if home is not None:
            return home.link
        return min(self.links(), key=len, default=None)

    def links(self) -> list[Link]:
        """Return the conversations with all children that serve."""
        return [supervisor.link for supervisor in self._supervisors if supervisor.link is not None]

    # Sessions

    def admit(self, session: Session, proceed: Proceed) -> None:
        """Give a session to the child that has the fewest, of those that serve."""
        homes = [supervisor for supervisor in self._supervisors if supervisor.link is not None] or self._supervisors
        home = min(homes, key=lambda supervisor: len(supervisor.audience.sessions))
        self._homes[session] = home
        home.audience.sessions.add(session)
        self.wait(session, proceed)

    def release(self, session: Session) -> None:
        """Forget a session."""
        home = self._homes.pop(session, None)
        if home is not None:
            home.audience.sessions.discard(session)

    # Waiting for a child

    def wait(self, caller: Caller | None, proceed: Proceed) -> None:
        """Wait for the child to be up, for some seconds; not at all while its circuit breaker is open."""
        link = self.link_for(caller)
        if link is not None:
            proceed(link)
            return
        home = self._homes.get(caller) if isinstance(caller, Session) else None
        expected = home or self._first
        if expected.breaker is BreakerState.OPEN:
            proceed(_not_running(expected))
            return
        waiting = _Waiting(home, proceed)
        asyncio.get_running_loop().call_later(START_WAIT_SECONDS, self._give_up_waiting, waiting, expected)
        self._waiting.append(waiting)

    @property
    def _first(self) -> Supervisor:
        """The child that speaks for all: one that serves, or else the one that is up again first."""
        return min(
            self._supervisors,
            key=lambda supervisor: (supervisor.link is None, supervisor.retry_seconds),
        )

    def _give_up_waiting(self, waiting: _Waiting, expected: Supervisor) -> None:
        if waiting in self._waiting:
            self._waiting.remove(waiting)
            waiting.proceed(_not_running(expected))

    def _release(self, concerns: Callable[[_Waiting], bool], outcome: Link | RpcError) -> None:
        released = [waiting for waiting in self._waiting if concerns(waiting)]
        self._waiting = [waiting for waiting in self._waiting if waiting not in released]
        for waiting in released:
            waiting.proceed(outcome)

    # Owner of the supervisors

    def child_ready(self, link: Link) -> None:
        """A child is up: whoever waited for it goes on."""
        self.profile = link.profile
        self._on_ready(link)
        self._release(lambda waiting: waiting.home is None or waiting.home.link is link, link)

    def child_failed(self, supervisor: Supervisor) -> None:
        """A child did not come up: whoever waited for it learns it now."""
        others = bool(self.links())
        error = _not_running(supervisor)
        self._release(lambda waiting: waiting.home is supervisor or (waiting.home is None and not others), error)

    # What is known of them

    def status(self) -> Status:
        """Return how the first that serves fares; what they said last stays known while they restart."""
        first = self._first
        return Status(
            reason=first.reason,
            ready_at=first.ready_at,
            hanging=first.hanging,
            profile=self.profile,
            survey=first.survey,
            pids=tuple(supervisor.pid for supervisor in self._supervisors if supervisor.pid is not None),
            restarts=sum(supervisor.restarts for supervisor in self._supervisors),
            in_flight=sum(1 for link in self.links() for _ in link.client_calls),
            breaker=max(supervisor.breaker for supervisor in self._supervisors),
        )

    @property
    def survey(self) -> Survey:
        """What the children offer."""
        return self._first.survey if self._alone is None else self._alone.survey

    def survey_again(self, link: Link) -> None:
        """Note that a child's lists changed."""
        for supervisor in self._supervisors:
            if supervisor.link is link:
                supervisor.survey_again()


def _not_running(supervisor: Supervisor) -> UnavailableError:
    reason = supervisor.reason or "it is starting"
    if supervisor.breaker is BreakerState.OPEN:
        text = f"The server failed too often and is left alone for a while. Its last failure: {reason}."
        return UnavailableError(text, supervisor.retry_seconds)
    return UnavailableError(f"The server is not running: {reason}. Try again later.")
