"""Who gets in, and what those who don't are told: a real Envoy in front of replicas that echo."""

import json

import pytest
from mcp_wire import token, tools

from gateway.tests.policies import key, policy
from gateway.tests.rig import ACCEPT, LIST, MASTER, Rig, call, rig

pytestmark = pytest.mark.anyio

ODD = "it's 100 %, (é)%"
POLICY = policy(
    codex={"tier": "pro", "priority": 1},
    slow={"rpm": 2},
    reader={"servers": {"notes": "*"}},
    ci={"servers": {"time": ["echo", "add", ODD], "notes": []}},
)


@pytest.fixture(scope="module")
async def gateway(tmp_path_factory: pytest.TempPathFactory):
    async with rig(tmp_path_factory.mktemp("e")) as made:
        time, prometheus = await made.replica("time"), await made.replica("prometheus")
        await made.configure(POLICY, prometheus=prometheus.address, time=[time], notes=[time], gone=[])
        yield made


async def error(gateway: Rig, *args, **kwargs):
    """Return status and JSON-RPC error of an answer that the gateway itself gave."""
    response = await gateway.post(*args, **kwargs)
    assert response.headers["content-type"] == "application/json", response.text
    body = response.json()
    assert body["jsonrpc"] == "2.0"
    assert body["id"] is None
    assert body["error"]["data"]["status"] == response.status_code
    assert body["error"]["data"]["request_id"] == response.headers["x-request-id"]
    return response, body["error"]


async def test_a_request_arrives_as_the_bridge_expects_it(gateway: Rig):
    seen = (await gateway.post("/time/mcp", "codex")).json()
    assert seen["path"] == "/mcp"
    assert seen["headers"]["x-mcp-client"] == "codex"
    assert seen["headers"]["x-mcp-gateway-token"] == token.derive(MASTER, "server:time")
    assert key("codex") not in json.dumps(seen)


async def test_a_server_is_told_the_clients_tier_and_the_tools_that_it_may_use(gateway: Rig):
    wanted = ("x-mcp-tier", "x-mcp-priority", "x-mcp-tools")
    seen = {}
    for client in ("codex", "ci", "operator"):
        received = (await gateway.post("/time/mcp", client)).json()["headers"]
        seen[client] = [received.get(name) for name in wanted]
    assert seen["codex"] == ["pro", "1", None]
    assert seen["ci"][:2] == [None, None]
    assert tools.decode(seen["ci"][2]) == {"echo", "add", ODD}
    assert seen["operator"] == [None, None, None]


async def test_nobody_outside_can_pretend_to_be_a_client_or_the_gateway(gateway: Rig):
    lies = {"x-mcp-client": "operator", "X-Mcp-Gateway-Token": "lie", "x-mcp-anything": "lie"}
    lies |= {"x-mcp-tier": "lie", "x-mcp-priority": "9999", "x-mcp-tools": "lie"}
    seen = (await gateway.post("/time/mcp", "codex", **lies)).json()["headers"]
    assert seen["x-mcp-client"] == "codex"
    assert "lie" not in seen.values()
    assert (await gateway.post("/time/mcp", **lies)).status_code == 401


@pytest.mark.parametrize("header", ["authorization", "x-api-key"])
async def test_a_key_may_come_in_either_header(gateway: Rig, header: str):
    response = await gateway.post("/time/mcp", **{header: key("codex")})
    assert response.status_code == 200


async def test_without_a_key_401_says_how_to_send_one(gateway: Rig):
    response, told = await error(gateway, "/time/mcp")
    assert response.status_code == 401
    assert response.headers["www-authenticate"].startswith("Bearer")
    assert "Authorization: Bearer" in told["message"]


async def test_an_unknown_key_is_401_and_not_repeated(gateway: Rig):
    response, told = await error(gateway, "/time/mcp", authorization="Bearer not-a-key-of-ours")
    assert response.status_code == 401
    assert "fleet token" in told["message"]
    assert "not-a-key-of-ours" not in response.text


async def test_without_a_key_nobody_learns_which_servers_there_are(gateway: Rig):
    there, not_there = [await gateway.post(path) for path in ("/time/mcp", "/nothing/mcp")]
    assert there.status_code == not_there.status_code == 401


async def test_a_server_that_the_client_may_not_use_is_403(gateway: Rig):
    response, told = await error(gateway, "/time/mcp", "reader")
    assert response.status_code == 403
    assert "mcp-fleet:clients" in told["message"]
    assert told["data"]["server"] == "time"
    assert (await gateway.post("/notes/mcp", "reader")).status_code == 200


@pytest.mark.parametrize("path", ["/nothing/mcp", "/", "/time", "/time/mcp/more", "/time/mcp2", "/TIME/mcp"])
async def test_an_unknown_path_is_404_and_names_no_server(gateway: Rig, path: str):
    response, told = await error(gateway, path, "codex")
    assert response.status_code == 404
    assert "fleet status" in told["message"]
    assert "notes" not in response.text


async def test_a_server_without_replicas_is_503_with_a_time_to_come_back(gateway: Rig):
    response, told = await error(gateway, "/gone/mcp", "codex")
    assert response.status_code == 503
    assert int(response.headers["retry-after"]) > 0
    assert "fleet why" in told["message"]


async def test_over_the_limit_is_429_with_a_time_to_come_back_for_that_client_alone(gateway: Rig):
    statuses = [(await gateway.post("/time/mcp", "slow")).status_code for _ in range(3)]
    assert statuses == [200, 200, 429]
    response, told = await error(gateway, "/time/mcp", "slow")
    assert 0 < int(response.headers["retry-after"]) <= 60
    assert "rpm" in told["message"]
    assert (await gateway.post("/time/mcp", "codex")).status_code == 200


async def test_health_needs_no_key(gateway: Rig):
    response = await gateway.http.get("/healthz")
    assert (response.status_code, response.json()) == (200, {"status": "ok"})


async def test_prometheus_is_for_the_operator_alone(gateway: Rig):
    assert (await gateway.http.get("/-/prometheus/mcp")).status_code == 401
    refused = await gateway.http.get("/-/prometheus/mcp", headers={"x-api-key": key("codex")})
    assert refused.status_code == 403
    seen = (await gateway.http.get("/-/prometheus/mcp", headers={"x-api-key": key("operator")})).json()
    assert (seen["replica"], seen["path"]) == ("prometheus", "/mcp")
    assert not [name for name in seen["headers"] if name.startswith("x-mcp-")]
    assert key("operator") not in json.dumps(seen)


async def test_events_pass_as_they_come(gateway: Rig):
    replica = await gateway.replica("prometheus")
    await gateway.configure(POLICY, prometheus=replica.address, time=[replica], notes=[replica], gone=[])
    replica.hold.clear()
    headers = {"x-api-key": key("operator")}
    async with gateway.http.stream("GET", "/-/prometheus/events", headers=headers) as response:
        lines = response.aiter_lines()
        assert await anext(lines) == "data: first"
        replica.hold.set()
        assert [line async for line in lines if line] == ["data: last"]


# Tools of a restricted client.

ALLOWED = [
    call("echo"),
    call("add"),
    LIST,
    {"jsonrpc": "2.0", "id": 1, "method": "initialize", "params": {}},
    {"jsonrpc": "2.0", "method": "notifications/initialized"},
    {"jsonrpc": "2.0", "id": 1, "method": "prompts/get", "params": {"name": "rm"}},
    {"jsonrpc": "2.0", "id": 7, "result": {"action": "accept"}},
    {"jsonrpc": "2.0", "id": 7, "error": {"code": 1, "message": "no"}},
    call("echo", arguments={"name": "rm", "more": [{"name": "rm"}]}),
    call("echo", arguments={"text": "x" * 200_000}),
]

MODERN = {"mcp-protocol-version": "2026-07-28"}
META = {"_meta": {"io.modelcontextprotocol/clientCapabilities": {}}}
CALL = '{"jsonrpc":"2.0","id":1,"method":"tools/call",'

REFUSED = {
    "another tool": call("rm"),
    "no name": {"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": {}},
    "a name that is no text": {"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": {"name": ["echo"]}},
    "an argument of the right name": call("rm", arguments={"name": "echo"}),
    "a batch": [call("rm")],
    "a batch that begins well": [call("echo"), call("rm")],
    "a key twice, allowed last": CALL + '"params":{"name":"rm","name":"echo"}}',
    "a key twice, allowed first": CALL + '"params":{"name":"echo","name":"rm"}}',
    "a key twice, escaped": CALL + '"params":{"name":"echo","n\\u0061me":"rm"}}',
    "params twice": CALL + '"params":{"name":"rm"},"params":{"name":"echo"}}',
    "params twice, escaped": CALL + '"params":{"name":"echo"},"p\\u0061rams":{"name":"rm"}}',
    "method twice": CALL + '"params":{"name":"rm"},"method":"tools/list"}',
    "a dotted key": CALL + '"params":{"name":"rm","x.name":"echo"}}',
    "a dotted key at the top": CALL + '"params":{"name":"rm"},"params.name":"echo"}',
    "an empty key": CALL + '"params":{"name":"rm","":{"name":"echo"}}}',
    "a second message after the first": json.dumps(call("echo")) + json.dumps(call("rm")),
    "a second line": json.dumps(call("echo")) + "\n" + json.dumps(call("rm")),
    "a byte order mark": "\ufeff" + json.dumps(call("rm")),
    "more than can be read": json.dumps({**LIST, "pad": "x" * (1 << 20)})[:-1] + ',"method":"tools/call"}',
    "no JSON": "rm",
    "nothing": "",
}


@pytest.mark.parametrize("message", ALLOWED, ids=lambda message: str(message)[:60])
async def test_a_restricted_client_may_call_its_tools_and_whatever_is_no_tool(gateway: Rig, message):
    response = await gateway.post("/time/mcp", "ci", message)
    assert response.status_code == 200
    assert json.loads(response.json()["body"]) == message


@pytest.mark.parametrize("message", REFUSED.values(), ids=REFUSED)
@pytest.mark.parametrize("headers", [{}, {"mcp-method": "tools/call", "mcp-name": "echo"}], ids=["plain", "lying"])
async def test_a_restricted_client_may_call_nothing_else(gateway: Rig, message, headers):
    response, told = await error(gateway, "/time/mcp", "ci", message, **headers)
    assert response.status_code in (400, 403)
    assert told["message"]


async def test_a_tool_that_is_not_the_clients_is_403_and_says_who_can_change_that(gateway: Rig):
    response, told = await error(gateway, "/time/mcp", "ci", call("rm"))
    assert response.status_code == 403
    assert "mcp-fleet:clients" in told["message"]


async def test_in_the_new_revision_too_the_body_decides(gateway: Rig):
    honest = {**MODERN, "mcp-method": "tools/call", "mcp-name": "echo"}
    assert (await gateway.post("/time/mcp", "ci", call("echo", **META), **honest)).status_code == 200
    assert (await gateway.post("/time/mcp", "ci", call("rm", **META), **honest)).status_code in (400, 403)
    assert (
        await gateway.post("/time/mcp", "ci", call("rm", **META), **{**honest, "mcp-name": "rm"})
    ).status_code == 403


@pytest.mark.parametrize("headers", [{"content-type": "text/plain"}, {"accept": "application/json"}], ids=str)
async def test_what_the_gateway_would_not_look_at_is_refused(gateway: Rig, headers):
    response, _ = await error(gateway, "/time/mcp", "ci", call("rm"), **headers)
    assert response.status_code == 400


async def test_no_tools_at_all_leaves_the_rest(gateway: Rig):
    assert (await gateway.post("/notes/mcp", "ci", call("echo"))).status_code == 403
    assert (await gateway.post("/notes/mcp", "ci", LIST)).status_code == 200


async def test_streams_and_the_end_of_a_session_pass(gateway: Rig):
    headers = {**ACCEPT, "authorization": f"Bearer {key('ci')}"}
    assert (await gateway.http.get("/time/mcp", headers=headers)).status_code == 200
    ended = await gateway.http.delete("/time/mcp", headers={**headers, "mcp-session-id": "x"})
    assert ended.status_code == 200
    assert (await gateway.http.put("/time/mcp", headers=headers, json=call("rm"))).status_code in (400, 403)


async def test_the_same_server_is_whole_for_others(gateway: Rig):
    assert (await gateway.post("/time/mcp", "codex", call("rm"))).status_code == 200
    large = call("echo", arguments={"text": "x" * 900_000})
    assert json.loads((await gateway.post("/time/mcp", "codex", large)).json()["body"]) == large
