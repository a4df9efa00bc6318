"""What a client of a remote server gets, over real TLS: answers, and one sentence where there are none."""

import asyncio
import json
from collections.abc import Iterator
from typing import Any

import anyio
import httpx2
import pytest
from mcp.shared.message import SessionMessage
from mcp_remote.credentials import Credential, StaticHeaders
from mcp_remote.http import RemoteHttp
from mcp_remote.relay import relay
from mcp_types import jsonrpc_message_adapter

from tests.ports import free_port

from .remote_server import DEADLINE_SECONDS, Authority, Remote, remote

KEY = "key-0123456789"
META = {
    "io.modelcontextprotocol/protocolVersion": "2026-07-28",
    "io.modelcontextprotocol/clientInfo": {"name": "test", "version": "1"},
    "io.modelcontextprotocol/clientCapabilities": {},
}
INITIALIZE = {
    "protocolVersion": "2025-11-25",
    "capabilities": {},
    "clientInfo": {"name": "test", "version": "1"},
}


class Client:
    """The other end of a relay."""

    def __init__(self, url: str, credential: Credential) -> None:
        self._url = url
        self._credential = credential
        self._to_relay, self._from_client = anyio.create_memory_object_stream[SessionMessage | Exception](100)
        self._to_client, self._answers = anyio.create_memory_object_stream[SessionMessage](100)
        self.given_up: str | None = None
        self._number = 0

    async def __aenter__(self) -> "Client":
        self._task = asyncio.create_task(self._run())
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._to_relay.aclose()
        await self._task
        self._answers.close()

    async def _run(self) -> None:
        async with RemoteHttp(self._credential) as http, self._to_client, self._from_client:
            await relay(self._url, http, self._from_client, self._to_client)
            self.given_up = http.given_up.result() if http.given_up.done() else None

    async def tell(self, method: str) -> None:
        await self._send({"method": method})

    async def ask(self, method: str, params: dict[str, Any] | None = None) -> dict[str, Any]:
        """Return the result, or the error."""
        self._number += 1
        await self._send({"id": self._number, "method": method, "params": params or {}})
        async with asyncio.timeout(DEADLINE_SECONDS):
            while True:
                message = json.loads((await self._answers.receive()).message.model_dump_json(by_alias=True))
                if message.get("id") == self._number:
                    found: dict[str, Any] = message["result"] if "result" in message else message["error"]
                    return found

    async def _send(self, message: dict[str, Any]) -> None:
        parsed = jsonrpc_message_adapter.validate_python({"jsonrpc": "2.0", **message}, by_name=False)
        await self._to_relay.send(SessionMessage(parsed))


def keyed(url: str) -> Client:
    return Client(url, StaticHeaders({"authorization": f"Bearer {KEY}"}))


@pytest.fixture(scope="module")
def running(authority: Authority) -> Iterator[Remote]:
    with remote(authority.context(), key=KEY) as server:
        yield server


@pytest.mark.anyio
async def test_a_session_has_the_negotiated_revision_and_ends_with_the_client(running: Remote) -> None:
    async with keyed(running.url) as client:
        welcome = await client.ask("initialize", INITIALIZE)
        await client.tell("notifications/initialized")
        result = await client.ask("tools/call", {"name": "add", "arguments": {"a": 2, "b": 3}})
        assert welcome["serverInfo"]["name"] == "remote notes"
        assert result["content"][0]["text"] == "5"
        call = running.headers[-1]
        assert call["mcp-protocol-version"] == "2025-11-25"
        session = call["mcp-session-id"]
    assert running.headers[-1]["mcp-session-id"] == session, "the session is ended with a DELETE"
    async with keyed(running.url) as client:
        assert "result" not in await client.ask("ping")


@pytest.mark.anyio
async def test_a_request_of_the_stateless_revision_repeats_itself_in_headers(running: Remote) -> None:
    async with keyed(running.url) as client:
        result = await client.ask("tools/call", {"name": "add", "arguments": {"a": 2, "b": 3}, "_meta": META})
    assert result["structuredContent"] == {"result": 5}
    sent = running.headers[-1]
    assert (sent["mcp-method"], sent["mcp-name"], sent["mcp-protocol-version"]) == ("tools/call", "add", "2026-07-28")


@pytest.mark.anyio
@pytest.mark.parametrize(
    ("path", "said"),
    [
        ("/page", "answers text/html, which is not MCP"),
        ("/moved", "redirects to https://elsewhere.example/mcp; write that URL"),
        ("/nothing", "answered 404 Not Found; check the URL"),
    ],
)
async def test_what_is_no_mcp_server_is_told_in_one_sentence(running: Remote, path: str, said: str) -> None:
    async with keyed(running.path(path)) as client:
        error = await client.ask("initialize", INITIALIZE)
    assert running.path(path) in error["message"]
    assert said in error["message"]
    assert "token=abc" not in error["message"]


@pytest.mark.anyio
async def test_a_credential_that_is_refused_or_missing_is_told_without_it(running: Remote) -> None:
    async with Client(running.url, StaticHeaders({"authorization": "Bearer wrong-0123"})) as client:
        refused = await client.ask("initialize", INITIALIZE)
    async with Client(running.url, StaticHeaders({})) as client:
        missing = await client.ask("initialize", INITIALIZE)
    assert "refused the credential (401)" in refused["message"]
    assert "wrong-0123" not in refused["message"]
    assert "asks for a credential (401)" in missing["message"]


@pytest.mark.anyio
async def test_a_certificate_is_always_checked(authority: Authority) -> None:
    with remote(authority.context(expired=True), key=KEY) as expired:
        async with keyed(expired.url) as client:
            error = await client.ask("initialize", INITIALIZE)
        assert "can't be trusted: certificate has expired" in error["message"]
        async with keyed(expired.url.replace("localhost", "127.0.0.1")) as client:
            error = await client.ask("initialize", INITIALIZE)
        assert "can't be trusted" in error["message"]
        assert expired.seen == [], "nothing was sent to it"


@pytest.mark.anyio
async def test_a_host_that_is_away_is_told_in_one_sentence() -> None:
    async with keyed(f"https://localhost:{free_port()}/mcp") as client:
        error = await client.ask("initialize", INITIALIZE)
    assert "can't be reached" in error["message"]


@pytest.mark.anyio
async def test_a_server_that_went_away_is_given_up_after_three_pings(running: Remote) -> None:
    async with keyed(running.url) as client:
        await client.ask("server/discover", {"_meta": META})
        running.away = True
        try:
            said = [(await client.ask("server/discover", {"_meta": META}))["message"] for _ in range(2)]
            with pytest.raises(anyio.EndOfStream):
                await client.ask("server/discover", {"_meta": META})
        finally:
            running.away = False
    assert "answered 502 Bad Gateway" in said[0]
    assert client.given_up == said[0]


@pytest.mark.anyio
async def test_a_session_that_the_server_ended_is_given_up(running: Remote) -> None:
    async with keyed(running.url) as client:
        await client.ask("initialize", INITIALIZE)
        await client.tell("notifications/initialized")
        await client.ask("ping")
        session = running.headers[-1]
        async with httpx2.AsyncClient() as other:
            shown = {name: session[name] for name in ("authorization", "mcp-session-id")}
            ended = await other.delete(running.url, headers=shown)
        assert ended.status_code == 200
        with pytest.raises(anyio.EndOfStream):
            await client.ask("tools/list")
    assert client.given_up == "it ended the session; a new one is made"


@pytest.mark.anyio
async def test_a_fault_of_one_request_leaves_the_others_alone(running: Remote) -> None:
    async with keyed(running.url) as client:
        running.away = True
        try:
            await client.ask("tools/list", {"_meta": META})
        finally:
            running.away = False
        assert [tool["name"] for tool in (await client.ask("tools/list", {"_meta": META}))["tools"]] == [
            "add",
            "secret_plans",
        ]
    assert client.given_up is None
