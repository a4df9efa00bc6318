"""Whether a child that runs still says something."""

import asyncio
import time
from typing import Final

from mcp_bridge.core.link import Link

from . import survey

SECONDS: Final = 10.0
MISSED: Final = 3
"""Pings without an answer, and without any other word of the child, after which it counts as hanging."""


class Pings:
    """Asks one child again and again.

    Arguments:
        link: the conversation with it.
        seconds: between two pings; it has half of that to answer.
    """

    def __init__(self, link: Link, seconds: float) -> None:
        self._link = link
        self._seconds = seconds
        self._method = "server/discover" if link.profile is not None and link.profile.modern else "ping"
        self._missed = 0

    @property
    def hanging(self) -> bool:
        """Whether the child has not said a word for several pings."""
        return self._missed >= MISSED

    async def send(self) -> None:
        """Ask once."""
        asked_at = time.monotonic()
        try:
            async with asyncio.timeout(self._seconds / 2):
                await survey.ask(self._link, self._method)
            self._missed = 0
        except TimeoutError:
            self._missed = 0 if self._link.last_heard > asked_at else self._missed + 1

    async def until_hanging(self) -> str:
        """Ask until the child hangs, and return what to say of it. While it has calls to work on, it may be silent."""
        while not self.hanging:
            await asyncio.sleep(self._seconds)
            if any(self._link.client_calls):
                self._missed = 0
            else:
                await self.send()
        return f"it has not answered {MISSED} pings, one every {self._seconds:g} s"
