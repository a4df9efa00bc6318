"""A child of its own for each session; stateless requests share one that is kept for them."""

import asyncio
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, replace

from mcp_bridge import logs
from mcp_bridge.core.callers import Caller, Session
from mcp_bridge.core.errors import ChildLostError, UnavailableError
from mcp_bridge.core.link import Link, Listener
from mcp_bridge.redaction import Redactor

from .breaker import Breaker, BreakerState
from .interface import Proceed, Status
from .room import Policy
from .run import ChildFailedError, ChildSettings, RefusedError
from .session_child import SessionChild
from .shared import START_WAIT_SECONDS, SharedChildren
from .survey import Survey


@dataclass(eq=False)
class _Opening:
    session: Session
    proceed: Proceed
    deadline: asyncio.TimerHandle | None = None

    def wait_no_longer(self) -> None:
        if self.deadline is not None:
            self.deadline.cancel()


class IsolatedChildren:
    """Gives each session a child, if the policy says so; until then, and otherwise, sessions share.

    Arguments:
        shared: serves stateless requests, and shows what the command is.
        settings: how to run a child.
        listener: takes what children say unasked.
        redactor: masks secret values in what is shown.
        policy: says whether sessions are isolated.
        room: returns how many children of sessions there may be.
        pool: children that are kept started for sessions to come.
        breaker_seconds: as of SharedChildren, for children that don't come up.
        quiet_seconds: idle time after which a session's child may be given to another.
        ready: is told of each child that has been introduced to its session.
        lost: is told of each session whose child is gone, or must go.
    """

    def __init__(
        self,
        shared: SharedChildren,
        settings: ChildSettings,
        listener: Listener,
        redactor: Redactor,
        *,
        policy: Policy,
        room: Callable[[], int],
        pool: int,
        breaker_seconds: float,
        quiet_seconds: float,
        ready: Callable[[Link], None],
        lost: Callable[[Session], None],
    ) -> None:
        self._shared = shared
        self._settings = settings
        self._listener = listener
        self._redactor = redactor
        self._policy = policy
        self._room = room
        self._pool = pool
        self._breaker = Breaker(breaker_seconds)
        self._quiet_seconds = quiet_seconds
        self._ready = ready
        self._lost = lost
        self._isolated = False
        self._limit = 0
        self._tasks: dict[SessionChild, asyncio.Task[str]] = {}
        self._spares: deque[SessionChild] = deque()
        self._children: dict[Caller, SessionChild] = {}
        self._openings: dict[Session, _Opening] = {}
        self._queue: deque[_Opening] = deque()
        self.gave_up = shared.gave_up

    def start(self) -> None:
        """Start the child that is shared; what it says of itself decides on the others."""
        self._shared.start()

    def choose(self) -> None:
        """Decide whether sessions are isolated. To be called when the shared child is up."""
        profile = self._shared.profile
        if profile is None or self._tasks:
            return
        self._limit = self._room()
        choice = self._policy(profile, self._limit)
        self._isolated = choice.isolated
        mode = "isolated" if choice.isolated else "shared"
        logs.info("mode", mode=mode, reason=choice.reason, max_children=self._limit)
        self._refill()

    async def stop(self) -> None:
        """End all children."""
        self._isolated = False
        for opening in list(self._openings.values()):
            self._refuse(opening, "The server is shutting down.")
        tasks = list(self._tasks.values())
        for child in list(self._tasks):
            self._end(child)
        await asyncio.gather(*tasks, return_exceptions=True)
        await self._shared.stop()

    # Who serves whom

    def link_for(self, caller: Caller | None) -> Link | None:
        """Return the session's own child, or the shared one for whoever has none."""
        child = self._children.get(caller) if caller is not None else None
        return self._shared.link_for(caller) if child is None else child.link

    def links(self) -> list[Link]:
        """Return the conversations with all children that serve."""
        return [*self._shared.links(), *(child.link for child in self._children.values() if child.link is not None)]

    def wait(self, caller: Caller | None, proceed: Proceed) -> None:
        """Wait for the shared child. A session's own child has no successor."""
        child = self._children.get(caller) if caller is not None else None
        if child is None:
            self._shared.wait(caller, proceed)
        else:
            proceed(child.link or ChildLostError("the session's state is gone with it. Send initialize again."))

    def admit(self, session: Session, proceed: Proceed) -> None:
        """Give a session a child: one that was kept ready, or a new one."""
        if not self._isolated:
            self._shared.admit(session, proceed)
            return
        now = time.monotonic()
        if self._breaker.state(now) is BreakerState.OPEN:
            text = "The server's processes failed to start too often. Try again later."
            proceed(UnavailableError(text, self._breaker.remaining(now)))
            return
        opening = self._openings[session] = _Opening(session, proceed)
        if not self._place(opening) and not self._make_room(opening):
            self._refuse(opening, f"All {self._limit} processes that there is room for serve other sessions.")

    def release(self, session: Session) -> None:
        """End a session's child."""
        self._shared.release(session)
        child = self._children.pop(session, None)
        if child is not None:
            self._end(child)
        opening = self._openings.get(session)
        if opening is not None:
            self._refuse(opening, "The session ended before there was a process for it.")

    def _place(self, opening: _Opening) -> bool:
        """Give an opening session a child, if there is one or room for one."""
        profile = self._shared.profile
        if profile is None or not self._isolated:
            return False
        spare = next((child for child in self._spares if not child.ending), None)
        if spare is not None:
            child = spare
            self._spares.remove(child)
        elif len(self._tasks) < self._limit:
            child = self._spawn()
        else:
            return False
        opening.wait_no_longer()
        self._children[opening.session] = child
        child.take(opening.session, profile)
        self._refill()
        return True

    def _make_room(self, opening: _Opening) -> bool:
        """Let an opening session wait for a child that is ending, if need be that of a session that is quiet."""
        ending = len(self._tasks) - len(self._spares) - len(self._children)
        if ending <= len(self._queue):
            quiet = self._quietest()
            if quiet is None:
                return False
            logs.info("session_gave_way", idle_seconds=round(time.monotonic() - quiet.last_used, 1))
            self._lost(quiet)
        self._queue.append(opening)
        loop = asyncio.get_running_loop()
        opening.deadline = loop.call_later(START_WAIT_SECONDS, self._refuse, opening, "No process became free for it.")
        return True

    def _quietest(self) -> Session | None:
        """Return the session that was idle for longest, without a call and a stream."""
        latest = time.monotonic() - self._quiet_seconds
        sessions = [child.session for child in self._children.values() if child.session is not None]
        quiet = [session for session in sessions if session.last_used <= latest and session.idle]
        return min(quiet, key=lambda session: session.last_used, default=None)

    def _refuse(self, opening: _Opening, text: str) -> None:
        opening.wait_no_longer()
        if opening in self._queue:
            self._queue.remove(opening)
        if self._openings.pop(opening.session, None) is not None:
            opening.proceed(UnavailableError(f"{text} Try again later."))

    # The life of the children

    def _spawn(self) -> SessionChild:
        child = SessionChild(self._settings, self._listener, self._redactor)
        task = self._tasks[child] = asyncio.create_task(child.live(self._up))
        task.add_done_callback(lambda ended: self._gone(child, ended))
        return child

    def _refill(self) -> None:
        """Keep as many children ready as there should be, and there is room for."""
        if not self._isolated or self._breaker.state(time.monotonic()) is BreakerState.OPEN:
            return
        while len(self._spares) < self._pool and len(self._tasks) < self._limit:
            self._spares.append(self._spawn())

    def _end(self, child: SessionChild) -> None:
        if not child.ending:
            self._tasks[child].cancel()

    def _up(self, child: SessionChild) -> None:
        """A child has been introduced to its session."""
        self._breaker.came_up(time.monotonic())
        if child.link is None or child.session is None:
            return
        self._ready(child.link)
        opening = self._openings.pop(child.session, None)
        if opening is not None:
            opening.proceed(child.link)

    def _gone(self, child: SessionChild, ended: asyncio.Task[str]) -> None:
        """A child has ended: by itself, because it could not start, or with its session."""
        del self._tasks[child]
        if child in self._spares:
            self._spares.remove(child)
        reason = self._note_end(child, ended)
        # A client that has read how its call failed must find its session gone: both happen in one turn of the loop.
        child.fail(reason)
        session = child.session
        if session is not None and self._children.pop(session, None) is not None:
            opening = self._openings.get(session)
            if opening is None:
                self._lost(session)
            else:
                self._refuse(opening, f"The server's process for this session did not come up: {reason}.")
        while self._queue and self._place(self._queue[0]):
            self._queue.popleft()
        self._refill()

    def _note_end(self, child: SessionChild, ended: asyncio.Task[str]) -> str:
        """Log the end of a child, unless it was wanted. Returns the reason."""
        if ended.cancelled():
            return "it was stopped"
        error = ended.exception()
        if error is None:
            logs.warning("session_child_ended", pid=child.pid, reason=ended.result())
            return ended.result()
        if isinstance(error, ChildFailedError):
            # A client whom the server does not want must not open the breaker for the others.
            if not isinstance(error, RefusedError):
                self._breaker.failed(time.monotonic())
            logs.error("session_child_failed", pid=child.pid, reason=str(error))
        elif isinstance(error, Exception):
            logs.fault("session_child_fault", error, pid=child.pid)
        return str(error)

    # What is known of them

    def status(self) -> Status:
        """Return how the shared child fares, with the processes and calls of all."""
        shared = self._shared.status()
        return replace(
            shared,
            pids=(*shared.pids, *(child.pid for child in self._tasks if child.pid)),
            in_flight=sum(1 for link in self.links() for _ in link.client_calls),
            breaker=max(shared.breaker, self._breaker.state(time.monotonic())),
        )

    @property
    def survey(self) -> Survey:
        """What the shared child offers."""
        return self._shared.survey

    def survey_again(self, link: Link) -> None:
        """Note that a child's lists changed. Those of a session's own child concern nobody else."""
        self._shared.survey_again(link)
