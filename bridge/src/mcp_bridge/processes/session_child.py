"""The child of one session: started ahead of it, introduced to its client, ended with it."""

import asyncio
from collections.abc import Callable

from mcp_bridge.core.audience import Audience
from mcp_bridge.core.callers import Session
from mcp_bridge.core.link import Link, Listener
from mcp_bridge.core.profile import Profile
from mcp_bridge.redaction import Redactor

from .introduction import introduce_session
from .pings import Pings
from .run import ChildSettings, Run


class SessionChild:
    """One child, that `live`s until it ends or is cancelled.

    Arguments:
        settings: how to run it.
        listener: takes what it says unasked.
        redactor: masks secret values in what is shown of it.
    """

    def __init__(self, settings: ChildSettings, listener: Listener, redactor: Redactor) -> None:
        self._ping_seconds = settings.ping_seconds
        self._audience = Audience(stateless=False)
        self._run = Run(settings, listener, self._audience, redactor)
        self._taken: asyncio.Future[tuple[Session, Profile]] = asyncio.get_running_loop().create_future()
        self.link: Link | None = None
        self.session: Session | None = None
        self.ending = False

    @property
    def pid(self) -> int:
        """Its process id, 0 before the start."""
        return self._run.pid

    def take(self, session: Session, known: Profile) -> None:
        """Make it a session's own. `known` is what another child of the same command said of itself."""
        self.session = session
        self._audience.sessions.add(session)
        self._taken.set_result((session, known))

    async def live(self, up: Callable[["SessionChild"], None]) -> str:
        """Run from the start to the end; `up` is told when it serves its session. Returns how it ended or hung.

        What is in flight then still waits: `fail` is to be called next. Raises ChildFailedError where it does not come
        up.
        """
        try:
            await self._run.start()
            session, known = await self._run.outlast(self._taken)
            await self._run.greet(introduce_session(self._run.link, session, known))
            self.link = self._run.link
            up(self)
            return await self._end_of_service()
        finally:
            self.link = None
            self.ending = True
            await self._run.stop()

    async def _end_of_service(self) -> str:
        """Wait until it ends, or hangs, and return the reason."""
        ended = asyncio.create_task(self._run.ended())
        hanging = asyncio.create_task(Pings(self._run.link, self._ping_seconds).until_hanging())
        try:
            await asyncio.wait({ended, hanging}, return_when=asyncio.FIRST_COMPLETED)
            return ended.result() if ended.done() else hanging.result()
        finally:
            for task in (ended, hanging):
                task.cancel()
            await asyncio.gather(ended, hanging, return_exceptions=True)

    def fail(self, reason: str) -> None:
        """Fail what is in flight: it has ended."""
        self._run.link.lost(reason)
