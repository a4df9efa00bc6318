"""Puts a server together, and runs it on stdin and stdout."""

import sys
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from typing import Final, Generic

import anyio
from mcp.server import MCPServer
from mcp.types import ToolAnnotations

from . import logs
from .health import Health, Report
from .settings import LiveSettings, SettingsT, StartError, read_settings
from .upstream import CONNECTIONS, Patience, Upstream

HEALTH_SECONDS: Final = 30.0
"""How often the metric of each component is brought up to date."""

READS_ITSELF: Final = ToolAnnotations(read_only_hint=True, open_world_hint=False)


class Chassis(Generic[SettingsT]):
    """What a server is built on.

    Arguments:
        name: of the server.
        version: of the server.
        settings: what it starts with.
    """

    def __init__(self, name: str, version: str, settings: SettingsT) -> None:
        self.name = name
        self.version = version
        self.live = LiveSettings(settings)
        self.health = Health(name, version)
        self._resources: list[AbstractAsyncContextManager[object]] = []
        self._slots: anyio.CapacityLimiter | None = None

    @property
    def settings(self) -> SettingsT:
        """The settings as they are at the moment."""
        return self.live.current

    def enter(self, resource: AbstractAsyncContextManager[object]) -> None:
        """Have `resource` entered when the server starts, and left when it ends."""
        self._resources.append(resource)

    def upstream(
        self,
        name: str,
        base_url: str,
        *,
        headers: Mapping[str, str] | None = None,
        patience: Patience | None = None,
    ) -> Upstream:
        """Return a service that the server's tools may call; its health is the server's too. See Upstream."""
        self._slots = self._slots or anyio.CapacityLimiter(CONNECTIONS)
        made = Upstream(name, base_url, headers=headers, slots=self._slots, patience=patience)
        self.health.watch(name, made.check)
        self.enter(made)
        return made

    def server(self, instructions: str) -> MCPServer[None]:
        """Return a server with the tool `health`, to which the others are added.

        Arguments:
            instructions: what a model should know before it uses the server.
        """
        server: MCPServer[None] = MCPServer(
            self.name,
            version=self.version,
            instructions=instructions,
            lifespan=self._lifespan,
            middleware=[logs.correlate],
        )

        @server.tool(title="How this server is", annotations=READS_ITSELF)
        async def health() -> Report:
            """Tell whether this server and what it depends on work. Ask when other tools fail."""
            return await self.health.report()

        return server

    @asynccontextmanager
    async def _lifespan(self, _: MCPServer[None]) -> AsyncIterator[None]:
        self.live.on_change(lambda settings: logs.set_level(settings.log_level))
        async with AsyncExitStack() as stack:
            for resource in self._resources:
                await stack.enter_async_context(resource)
            tasks = await stack.enter_async_context(anyio.create_task_group())
            stack.callback(tasks.cancel_scope.cancel)
            tasks.start_soon(self.live.watch)
            tasks.start_soon(self._measure)
            yield

    async def _measure(self) -> None:
        while True:
            await self.health.report()
            await anyio.sleep(HEALTH_SECONDS)


def run(
    name: str, version: str, settings: type[SettingsT], build: Callable[[Chassis[SettingsT]], MCPServer[None]]
) -> None:
    """Serve on stdin and stdout until stdin ends.

    Exits with a message where the settings won't do, or `build` raises StartError.
    """
    try:
        found = read_settings(settings)
        logs.configure(found.log_level, name)
        server = build(Chassis(name, version, found))
    except StartError as error:
        sys.exit(f"{name}: {error}")
    server.run("stdio")
