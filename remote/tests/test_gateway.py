"""A remote server behind the gateway and the bridge: policy as for any other, and the fleet's own credentials."""

import json
import sys
from pathlib import Path
from typing import Any

import httpx2
import pytest
from mcp_gateway.catalog import Upstream
from mcp_gateway.envoy.resources import build
from mcp_wire.token import derive, server_audience

from bridge.tests.rig import Bridge, bridge, eventually, open_session, post, text_of, tool
from gateway.tests.policies import key, policy
from gateway.tests.rig import MASTER, Rig, rig, until

from .remote_server import CLIENT_ID, CLIENT_SECRET, SCOPE, Authority, Remote, remote

PROGRAM = (sys.executable, "-m", "mcp_remote")
META = {
    "io.modelcontextprotocol/protocolVersion": "2026-07-28",
    "io.modelcontextprotocol/clientInfo": {"name": "test", "version": "1"},
    "io.modelcontextprotocol/clientCapabilities": {},
}


@pytest.mark.anyio
async def test_clients_call_a_remote_server_by_policy_and_never_with_their_own_credentials(
    authority: Authority, tmp_path: Path
) -> None:
    (tmp_path / "token").write_text(derive(MASTER, server_audience("notes")))
    with remote(authority.context()) as server:
        server.tokens.lifetime = 5.0  # renewed each fourth second
        arguments = [f"--token-url={server.path('/token')}", "--client-id={ID}", "--client-secret={SECRET}"]
        scopes = [f"--scope={scope}" for scope in SCOPE.split()]
        with bridge(
            *PROGRAM, server.url, *arguments, *scopes,
            options=("--name", "notes", "--gateway-token-file", str(tmp_path / "token"), "--ping-seconds", "0.5"),
            environment={"ID": CLIENT_ID, "SECRET": CLIENT_SECRET},
        ) as before:  # fmt: skip
            async with rig(tmp_path) as gateway:
                await calls(before, gateway, server)
            told = "".join(before.raw) + json.dumps(before.health()[1])
        assert {header.removeprefix("Bearer ") for header in server.seen} <= set(server.tokens.issued)
        assert not [each for each in server.headers if key("codex") in json.dumps(each)]
    for secret in (CLIENT_SECRET, *server.tokens.issued):
        assert secret not in told


async def calls(before: Bridge, gateway: Rig, server: Remote) -> None:
    before.wait_ready()
    access = policy(codex={"servers": {"notes": ["add"]}}, ci={"servers": {}})
    upstream = Upstream("notes", (("127.0.0.1", before.port),))
    await gateway.envoy.configure(build(access, [upstream], master=MASTER, prometheus=None), access)

    async def send(client: str, method: str, **params: Any) -> httpx2.Response:
        named = {"mcp-name": params["name"]} if "name" in params else {}
        body = {"jsonrpc": "2.0", "id": 1, "method": method, "params": {**params, "_meta": META}}
        standard = {"mcp-protocol-version": "2026-07-28", "mcp-method": method, **named}
        response: httpx2.Response = await gateway.post("/notes/mcp", client, body, **standard)
        return response

    async def serves() -> bool:
        return (await send("operator", "tools/list")).status_code == 200

    await until(serves)
    listed = (await send("codex", "tools/list")).json()["result"]["tools"]
    assert [each["name"] for each in listed] == ["add"]
    called = (await send("codex", "tools/call", name="add", arguments={"a": 1, "b": 2})).json()
    assert called["result"]["structuredContent"] == {"result": 3}
    assert (await send("codex", "tools/call", name="secret_plans", arguments={})).status_code == 403
    assert (await send("ci", "tools/list")).status_code == 403

    await until(lambda: len(server.tokens.issued) >= 3)
    server.tokens.revoked.update(server.tokens.issued)
    assert (await send("codex", "tools/call", name="add", arguments={"a": 1, "b": 2})).status_code == 200


def reason(running: Bridge) -> str:
    return str(running.health()[1].get("reason"))


def test_a_bridge_says_why_a_remote_server_stopped_to_serve_and_serves_it_when_it_is_back(authority: Authority) -> None:
    with (
        remote(authority.context(), key="key-0123456789") as server,
        bridge(
            *PROGRAM, server.url, "--header=Authorization: Bearer {KEY}",
            options=("--ping-seconds", "0.2"), environment={"KEY": "key-0123456789"},
        ) as running,
    ):  # fmt: skip
        running.wait_ready()
        session = open_session(running)
        assert text_of(post(running, "tools/call", tool("add", a=1, b=2), headers=session)) == "3"
        server.away = True
        failed = running.wait_for("child_failed", lambda line: "502" in line["reason"])
        assert f"{server.url} answered 502 Bad Gateway" in failed["reason"]
        eventually(lambda: running.health()[0] == 503 and "502" in reason(running), "unhealthy, with the reason")
        server.away = False
        eventually(lambda: running.health()[0] == 200, "healthy again")


def test_a_bridge_says_why_a_remote_server_never_served(authority: Authority) -> None:
    with remote(authority.context(expired=True)) as server, bridge(*PROGRAM, server.url) as running:
        failed = running.wait_for("child_failed")
        assert f"the certificate of {server.url} can't be trusted: certificate has expired" in failed["reason"]
