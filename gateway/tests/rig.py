"""What the gateway's tests run it between: replicas, clients, and a real Envoy, all on loopback."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any

import httpx2
from mcp_gateway.catalog import Upstream
from mcp_gateway.envoy.instance import EnvoyInstance
from mcp_gateway.envoy.process import find_envoy
from mcp_gateway.envoy.resources import Resources, build
from mcp_gateway.policy import Policy
from mcp_gateway.serving import EmbeddedServer, embedded_server
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.routing import Route

from gateway.tests.policies import key
from tests.ports import free_port

MASTER = "the-master-secret"
DEADLINE_SECONDS = 30.0
ACCEPT = {"accept": "application/json, text/event-stream"}


async def until(condition: Callable[[], bool] | Callable[[], Awaitable[bool]], seconds: float = DEADLINE_SECONDS):
    """Wait until `condition` holds; TimeoutError after `seconds`."""
    async with asyncio.timeout(seconds):
        while True:
            held = condition()
            if held if isinstance(held, bool) else await held:
                return
            await asyncio.sleep(0.01)


def call(tool: str, **params: Any) -> dict[str, Any]:
    return {"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": {"name": tool, "arguments": {}, **params}}


LIST = {"jsonrpc": "2.0", "id": 1, "method": "tools/list"}


class Replica:
    """A server that answers what it was asked; `ready` and `hold` may be changed while it runs."""

    def __init__(self, name: str, server: EmbeddedServer | None = None) -> None:
        self.name = name
        self.port = free_port()
        self.ready = True
        self.hold = asyncio.Event()
        self.hold.set()
        self.waiting = 0
        self.answered = 0
        routes = [
            Route("/ready", self._ready),
            Route("/mcp", self._answer, methods=["GET", "POST", "DELETE"]),
            Route("/events", self._events),
        ]
        self._server = embedded_server(Starlette(routes=routes), host="127.0.0.1", port=self.port)
        self._serving: asyncio.Task[None] | None = None

    @property
    def address(self) -> tuple[str, int]:
        return ("127.0.0.1", self.port)

    async def start(self) -> "Replica":
        self._serving = asyncio.create_task(self._server.serve())
        await until(lambda: self._server.started)
        return self

    async def stop(self) -> None:
        self.hold.set()
        self._server.should_exit = True
        if self._serving:
            await self._serving

    async def _ready(self, _: Request) -> Response:
        return Response(status_code=200 if self.ready else 503)

    async def _answer(self, request: Request) -> Response:
        body = (await request.body()).decode(errors="replace")
        self.waiting += 1
        await self.hold.wait()
        self.waiting -= 1
        self.answered += 1
        return JSONResponse(
            {"replica": self.name, "headers": dict(request.headers), "path": str(request.url.path), "body": body}
        )

    async def _events(self, _: Request) -> Response:
        async def events() -> AsyncIterator[bytes]:
            yield b"data: first\n\n"
            await self.hold.wait()
            yield b"data: last\n\n"

        return StreamingResponse(events(), media_type="text/event-stream")


class Rig:
    """A gateway's Envoy without its agent: the test says which configuration it has."""

    def __init__(self, folder: Path, stack: AsyncExitStack, **options: Any) -> None:
        self.port = free_port()
        self._stack = stack
        self.envoy = EnvoyInstance(
            find_envoy(), folder, **{"port": self.port, "concurrency": 1, "drain_seconds": 5.0, **options}
        )
        self.http = httpx2.AsyncClient(base_url=f"http://127.0.0.1:{self.port}", timeout=DEADLINE_SECONDS)

    async def replica(self, name: str) -> Replica:
        replica = await Replica(name).start()
        self._stack.push_async_callback(replica.stop)
        return replica

    async def configure(
        self,
        policy: Policy,
        prometheus: tuple[str, int] | None = None,
        otlp: tuple[str, int] | None = None,
        **servers: list[Replica],
    ) -> Resources:
        upstreams = [
            Upstream(name, tuple(sorted(replica.address for replica in found))) for name, found in servers.items()
        ]
        resources = build(policy, upstreams, master=MASTER, prometheus=prometheus, otlp=otlp)
        await self.envoy.configure(resources, policy)
        return resources

    async def post(self, path: str, client: str | None = None, body: Any = None, **headers: str) -> httpx2.Response:
        """POST a JSON-RPC message as an MCP client does; `body` may be text, to be sent as it is."""
        given = {**ACCEPT, "content-type": "application/json", **headers}
        if client:
            given["authorization"] = f"Bearer {key(client)}"
        content = {"content": body} if isinstance(body, str | bytes) else {"json": LIST if body is None else body}
        return await self.http.post(path, headers=given, **content)


@asynccontextmanager
async def rig(folder: Path, **options: Any) -> AsyncIterator[Rig]:
    async with AsyncExitStack() as stack:
        made = Rig(folder, stack, **options)
        await stack.enter_async_context(made.envoy)
        await stack.enter_async_context(made.http)
        yield made


class Load:
    """Clients that call without pause from `start` to `stop`, never retry, and count what came back."""

    def __init__(self, url: str, client: str, clients: int = 4) -> None:
        self.outcomes: Counter[str] = Counter()
        self._url = url
        self._client = client
        self.clients = clients
        self._stop = asyncio.Event()
        self._tasks: list[asyncio.Task[None]] = []

    @property
    def failed(self) -> dict[str, int]:
        return {outcome: count for outcome, count in self.outcomes.items() if outcome != "200"}

    async def __aenter__(self) -> "Load":
        self._tasks = [asyncio.create_task(self._run()) for _ in range(self.clients)]
        await self.goes_on()
        return self

    async def __aexit__(self, *_: object) -> None:
        self._stop.set()
        await asyncio.gather(*self._tasks)

    async def goes_on(self, calls: int = 20) -> None:
        """Wait until `calls` more calls have been answered."""
        target = self.outcomes.total() + calls
        await until(lambda: self.outcomes.total() >= target)

    async def _run(self) -> None:
        headers = {**ACCEPT, "authorization": f"Bearer {key(self._client)}"}
        async with httpx2.AsyncClient(headers=headers, timeout=DEADLINE_SECONDS) as http:
            while not self._stop.is_set():
                try:
                    response = await http.post(self._url, json=LIST)
                    self.outcomes[str(response.status_code)] += 1
                except httpx2.HTTPError as error:
                    self.outcomes[repr(error)] += 1
                await asyncio.sleep(0.005)
