"""The first words with a child: which revision it speaks, who it is, what it offers."""

import asyncio
from typing import Final

from mcp_bridge.core.callers import Session
from mcp_bridge.core.envelope import Envelope, error_object
from mcp_bridge.core.errors import UNSUPPORTED_VERSION, RpcError
from mcp_bridge.core.link import Link
from mcp_bridge.core.profile import Profile, discover_params, initialize_params

from . import survey
from .run import Run, SilentError

MIN_DISCOVER_SECONDS: Final = 5.0
MIN_SILENT_SECONDS: Final = 5.0
SILENT_POLL_SECONDS: Final = 0.25


class Introduction:
    """Introduces the bridge to one child after the other, and remembers whether one died of the question.

    Arguments:
        start_seconds: what the caller grants for all of it. Half of it is for `server/discover`. A child that has read
            that and says nothing for a sixth of it, five seconds at least, has broken at it: the next one is spared it.
    """

    def __init__(self, start_seconds: float) -> None:
        self._discover_seconds = max(start_seconds / 2, MIN_DISCOVER_SECONDS)
        self._silent_seconds = min(max(start_seconds / 6, MIN_SILENT_SECONDS), start_seconds / 2)
        self._skip_discover = False
        self._discovering = False

    async def make(self, run: Run) -> survey.Survey:
        """Learn the child's profile, which its link keeps, and its lists.

        Raises RpcError where it refuses, SilentError where another one is to be started, and asked the older question.
        """
        link = run.link
        link.profile = await self._ask_or_notice_silence(run) or await self._initialize(link)
        return await survey.take(link)

    def child_died(self) -> None:
        """The child ended before it had introduced itself: the next one is asked the older question, if it was that."""
        self._skip_discover = self._discovering

    async def _ask_or_notice_silence(self, run: Run) -> Profile | None:
        """Ask for the stateless revision, as `_discover`. Raises SilentError.

        Version 1.6.0 of the MCP SDK stops to read its queue at a question that it does not know, and stays. A child
        that has not read the question yet is only slow, and keeps its time.
        """
        question = asyncio.create_task(self._discover(run.link))
        silence = asyncio.create_task(self._silence(run))
        try:
            await asyncio.wait({question, silence}, return_when=asyncio.FIRST_COMPLETED)
            if question.done():
                return question.result()
            self._skip_discover = True
            raise SilentError(f"it read server/discover, and said nothing for {self._silent_seconds:g} s")
        finally:
            for task in (question, silence):
                task.cancel()
            await asyncio.gather(question, silence, return_exceptions=True)

    async def _silence(self, run: Run) -> None:
        """Return when the child has been silent for too long after it had read the question."""
        loop = asyncio.get_running_loop()
        since = loop.time()
        while loop.time() - since < self._silent_seconds:
            await asyncio.sleep(SILENT_POLL_SECONDS)
            if not run.silent:
                since = loop.time()

    async def _discover(self, link: Link) -> Profile | None:
        """Ask for the stateless revision. None: the child doesn't know it, or died of the question last time."""
        if self._skip_discover:
            return None
        self._discovering = True
        try:
            async with asyncio.timeout(self._discover_seconds):
                reply = await _ask(link, "server/discover", discover_params())
        except TimeoutError:
            return None
        self._discovering = False
        if isinstance(reply, RpcError) or reply.error:
            return None
        return Profile.from_discover(reply.result)

    async def _initialize(self, link: Link) -> Profile:
        try:
            return await _initialize(link, initialize_params())
        except RpcError as error:
            if error.code == UNSUPPORTED_VERSION and (profile := await self._discover(link)) is not None:
                # It was slow: it has understood the first question by now, and speaks the stateless revision.
                return profile
            raise


async def introduce_session(link: Link, session: Session, known: Profile) -> None:
    """Introduce a session's client to a child of its own; `known` is what another child of the same command said.

    A child of the session era is told who the client is and what it can do. A stateless one learns that with each call,
    and only has to answer. Raises RpcError where it refuses.
    """
    if not known.modern:
        link.profile = await _initialize(link, initialize_params(session))
        return
    reply = await _ask(link, "server/discover", discover_params())
    if isinstance(reply, RpcError):
        raise reply
    link.profile = known


async def _initialize(link: Link, params: bytes) -> Profile:
    reply = await _ask(link, "initialize", params)
    if isinstance(reply, RpcError):
        raise reply
    if reply.error:
        found = error_object(reply.error)
        raise RpcError(found.code, f"it refused to initialize: {found.message}")
    profile = Profile.from_initialize(reply.result)
    link.tell("notifications/initialized")
    return profile


async def _ask(link: Link, method: str, params: bytes) -> Envelope | RpcError:
    answer: asyncio.Future[Envelope | RpcError] = asyncio.get_running_loop().create_future()
    link.ask(method, params, lambda reply: None if answer.done() else answer.set_result(reply))
    return await answer
