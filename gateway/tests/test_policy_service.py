"""The policy service and the agent's watch of it, over real HTTP."""

import asyncio
import contextlib
from collections.abc import AsyncIterator

import httpx2
import pytest
from mcp_gateway.policy import Policy
from mcp_gateway.policy_server import application
from mcp_gateway.policy_watch import PolicyWatch
from mcp_gateway.serving import embedded_server
from mcp_wire import token

from gateway.tests.policies import key, policy
from gateway.tests.rig import DEADLINE_SECONDS, MASTER, until
from tests.ports import free_port

pytestmark = pytest.mark.anyio

AGENT = {"authorization": f"Bearer {token.derive(MASTER, 'policy')}"}


@contextlib.asynccontextmanager
async def service(served: Policy, port: int) -> AsyncIterator[asyncio.Event]:
    """Run the service; set what it yields, or leave the block, to end it."""
    going_down = asyncio.Event()
    server = embedded_server(application(served, MASTER, going_down), host="127.0.0.1", port=port)
    serving = asyncio.create_task(server.serve())
    await until(lambda: server.started)
    try:
        yield going_down
    finally:
        going_down.set()
        server.should_exit = True
        await serving


@pytest.fixture
async def http():
    async with httpx2.AsyncClient(headers=AGENT, timeout=DEADLINE_SECONDS) as client:
        yield client


async def test_only_the_agent_may_read_it(http: httpx2.AsyncClient):
    port = free_port()
    async with service(policy(codex={}), port):
        url = f"http://127.0.0.1:{port}/v1/policy"
        for wrong in ("", "Bearer x", f"Bearer {token.derive(MASTER, 'server:time')}", "Bearer \udc80"):
            header = wrong.encode("utf-8", "surrogateescape")
            refused = await http.get(url, headers={b"authorization": header})
            assert refused.status_code == 401
            assert key("codex") not in refused.text
        assert (await http.get(url)).status_code == 200


async def test_an_unchanged_policy_is_waited_for(http: httpx2.AsyncClient):
    port = free_port()
    async with service(policy(codex={}), port) as going_down:
        url = f"http://127.0.0.1:{port}/v1/policy"
        first = await http.get(url, params={"wait": "30"})
        assert first.status_code == 200
        assert Policy.from_json(first.content, source="test") == policy(codex={})
        same = {"if-none-match": first.headers["etag"]}
        assert (await http.get(url, headers=same)).status_code == 304
        waiting = asyncio.create_task(http.get(url, headers=same, params={"wait": "30"}))
        assert (await http.get(url, headers={"if-none-match": '"other"'}, params={"wait": "30"})).status_code == 200
        assert not waiting.done()
        going_down.set()
        assert (await waiting).status_code == 304
        assert (await http.get(url, headers=same, params={"wait": "30"})).status_code == 503


async def test_a_bad_wait_is_refused(http: httpx2.AsyncClient):
    port = free_port()
    async with service(policy(), port):
        url = f"http://127.0.0.1:{port}/v1/policy"
        etag = (await http.get(url)).headers["etag"]
        refused = await http.get(url, headers={"if-none-match": etag}, params={"wait": "long"})
        assert refused.status_code == 400


async def test_the_watch_sees_the_next_policy_as_the_service_is_replaced():
    port = free_port()
    contacts = []
    async with PolicyWatch(f"http://127.0.0.1:{port}", MASTER, lambda: contacts.append(1)) as watch:
        changes = watch.changes()
        async with service(policy(codex={"rpm": 1}), port):
            assert (await anext(changes)).clients["codex"].rpm == 1
            following = asyncio.create_task(anext(changes))
        async with service(policy(codex={"rpm": 2}), port):
            assert (await asyncio.wait_for(following, DEADLINE_SECONDS)).clients["codex"].rpm == 2
        await changes.aclose()
    assert contacts


async def test_the_watch_outlasts_a_service_that_is_not_there_yet():
    port = free_port()
    async with PolicyWatch(f"http://127.0.0.1:{port}", MASTER, lambda: None) as watch:
        changes = watch.changes()
        first = asyncio.create_task(anext(changes))
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(asyncio.shield(first), 0.1)
        async with service(policy(codex={}), port):
            assert await asyncio.wait_for(first, DEADLINE_SECONDS) == policy(codex={})
        await changes.aclose()
