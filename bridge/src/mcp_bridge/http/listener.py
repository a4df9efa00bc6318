"""The listening socket, all its connections, and the timers that they share."""

import asyncio
import contextlib
from collections.abc import Callable
from typing import Final

from .application import Application
from .connection import Connection
from .head import Heads
from .reply import Reply

SWEEP_SECONDS: Final = 1.0
BACKLOG: Final = 2048


class Listener:
    """Accepts connections for an application.

    Arguments:
        application: what is served.
        sweep: called every few seconds with the time, for what the application itself has to time.
    """

    def __init__(self, application: Application, sweep: Callable[[float], None]) -> None:
        self._application = application
        self._sweep = sweep
        self._heads = Heads()
        self._connections: set[Connection] = set()
        self._server: asyncio.Server | None = None
        self._sweeper: asyncio.Task[None] | None = None
        self._draining = False
        self._changed = asyncio.Event()
        self.port = 0

    def __len__(self) -> int:
        return len(self._connections)

    async def open(self, host: str, port: int) -> None:
        """Begin to listen. Raises OSError where the port can't be had."""
        loop = asyncio.get_running_loop()
        self._server = await loop.create_server(self._accept, host, port, backlog=BACKLOG)
        self.port = self._server.sockets[0].getsockname()[1]
        self._sweeper = asyncio.create_task(self._run())

    def _accept(self) -> Connection:
        connection = Connection(self._application, self._heads, asyncio.get_running_loop().time)
        connection.draining = self._draining
        self._connections.add(connection)
        return connection

    def forget(self, connection: Connection) -> None:
        """Drop a connection that has closed."""
        self._connections.discard(connection)
        self._changed.set()

    def replies(self) -> list[Reply]:
        """Return the answers that are not complete."""
        found = [connection.reply for connection in self._connections]
        return [reply for reply in found if reply is not None and not reply.ended]

    async def _run(self) -> None:
        loop = asyncio.get_running_loop()
        while True:
            await asyncio.sleep(SWEEP_SECONDS)
            now = loop.time()
            for connection in list(self._connections):
                if connection.overdue(now):
                    connection.close()
                elif connection.stuck(now):
                    connection.abort()
            self._sweep(now)

    def drain(self) -> None:
        """Serve on, but let every answer be the last of its connection."""
        self._draining = True
        for connection in self._connections:
            connection.draining = True

    def stop_accepting(self) -> None:
        """Take no new connections, and close those that have nothing in progress."""
        if self._server is not None:
            self._server.close()
        self.drain()
        for connection in list(self._connections):
            if connection.idle:
                connection.close()

    async def answered(self) -> None:
        """Wait until nothing is in progress any more. To be called after stop_accepting."""
        while self._connections:
            self._changed.clear()
            await self._changed.wait()

    async def close(self) -> None:
        """Close everything."""
        self.stop_accepting()
        if self._sweeper is not None:
            self._sweeper.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._sweeper
        for connection in list(self._connections):
            connection.close()
        # One turn of the loop, so that what was just written leaves.
        await asyncio.sleep(0)
