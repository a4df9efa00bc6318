"""Sessions of the older revisions, with the official SDK on both sides: two replicas that share nothing."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx2
import pytest
from mcp import Client
from mcp.client.streamable_http import streamable_http_client
from mcp.server.mcpserver import MCPServer
from mcp.server.transport_security import TransportSecuritySettings
from mcp.shared.exceptions import MCPError
from mcp_gateway.serving import embedded_server
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Mount, Route

from gateway.tests.policies import key, policy
from gateway.tests.rig import Rig, rig, until
from tests.ports import free_port

pytestmark = pytest.mark.anyio

POLICY = policy(codex={}, ci={"servers": {"time": ["who"]}})


class SdkReplica:
    """An MCP server of the official SDK, with sessions, that tells its name."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.port = free_port()
        server = MCPServer(name)
        server.tool(name="who")(lambda: name)
        server.tool(name="rm")(lambda: "removed")
        settings = TransportSecuritySettings(enable_dns_rebinding_protection=False)
        self._app = server.streamable_http_app(transport_security=settings)
        self._manager = server.session_manager

    @property
    def address(self) -> tuple[str, int]:
        return ("127.0.0.1", self.port)

    @contextlib.asynccontextmanager
    async def running(self) -> AsyncIterator["SdkReplica"]:
        async def ready(_: Request) -> Response:
            return Response()

        app = Starlette(routes=[Route("/ready", ready), Mount("/", self._app)])
        server = embedded_server(app, host="127.0.0.1", port=self.port)
        async with self._manager.run():
            serving = asyncio.create_task(server.serve())
            await until(lambda: server.started)
            try:
                yield self
            finally:
                server.should_exit = True
                await serving


@contextlib.asynccontextmanager
async def session(gateway: Rig, client: str = "codex", mode: str = "legacy") -> AsyncIterator[Any]:
    headers = {"authorization": f"Bearer {key(client)}"}
    url = f"http://127.0.0.1:{gateway.port}/time/mcp"
    async with (
        httpx2.AsyncClient(headers=headers, timeout=10) as http,
        Client(streamable_http_client(url, http_client=http), mode=mode) as opened,
    ):
        yield opened


async def who(client: Any) -> str:
    result = await client.call_tool("who", {})
    return str(result.content[0].text)


@pytest.fixture
async def replicas():
    async with SdkReplica("one").running() as one, SdkReplica("two").running() as two:
        yield [one, two]


@pytest.fixture
async def gateway(tmp_path: Path, replicas):
    async with rig(tmp_path) as made:
        await made.configure(POLICY, time=replicas)
        yield made


async def test_a_session_stays_with_the_replica_that_made_it_and_both_get_sessions(gateway: Rig):
    seen = set()
    while seen != {"one", "two"}:  # the least busy of two idle ones is either
        async with session(gateway) as client:
            answers = {await who(client) for _ in range(10)}
        assert len(answers) == 1
        seen |= answers


async def test_without_sessions_calls_go_to_any_replica(gateway: Rig):
    async with session(gateway, mode="2026-07-28") as client:
        seen = set()
        while seen != {"one", "two"}:
            seen.add(await who(client))


@pytest.mark.parametrize("mode", ["legacy", "2026-07-28"])
async def test_a_restricted_client_speaks_through_the_sdk_as_any_other(gateway: Rig, mode: str):
    async with session(gateway, "ci", mode) as client:
        assert {tool.name for tool in (await client.list_tools()).tools} == {"who", "rm"}
        assert await who(client) in {"one", "two"}
        with pytest.raises(MCPError, match="may not call this tool"):
            await client.call_tool("rm", {})


async def test_a_session_of_a_replica_that_is_gone_is_unknown_to_the_other(gateway: Rig, replicas):
    async with SdkReplica("three").running() as three:
        await gateway.configure(POLICY, time=[three])
        opened = await gateway.post("/time/mcp", "codex", INITIALIZE)
        assert opened.status_code == 200
        number = opened.headers["mcp-session-id"]
        await gateway.configure(POLICY, time=[*replicas, three])
        assert (await gateway.post("/time/mcp", "codex", **{"mcp-session-id": number})).status_code == 200
        await gateway.configure(POLICY, time=replicas)
    assert (await gateway.post("/time/mcp", "codex", **{"mcp-session-id": number})).status_code == 404


INITIALIZE = {
    "jsonrpc": "2.0",
    "id": 1,
    "method": "initialize",
    "params": {"protocolVersion": "2025-11-25", "capabilities": {}, "clientInfo": {"name": "test", "version": "1"}},
}
