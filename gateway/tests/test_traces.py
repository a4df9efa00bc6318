"""Traces: Envoy's span between the client's and the replica's, and what goes on without a receiver."""

import pytest

from gateway.tests.policies import key, policy
from gateway.tests.rig import Rig, rig, until
from tests.otlp_receiver import receiver, texts

TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"
SPAN = "00f067aa0ba902b7"
REQUESTS = 150
POLICY = policy(codex={"rpm": None, "servers": "*"})


async def headers_at_the_replica(gateway: Rig, path: str = "/time/mcp", **headers: str) -> dict[str, str]:
    response = await gateway.post(path, "codex", **headers)
    assert response.status_code == 200, response.text
    found = response.json()["headers"]
    assert isinstance(found, dict)
    return found


@pytest.mark.anyio
async def test_a_request_is_a_span_between_the_clients_and_the_replicas(tmp_path):
    with receiver() as collector:
        async with rig(tmp_path) as gateway:
            replica = await gateway.replica("time")
            await gateway.configure(POLICY, otlp=collector.address, time=[replica])
            seen = await headers_at_the_replica(gateway, "/time/mcp?key=hunter2", traceparent=f"00-{TRACE}-{SPAN}-01")
            await until(lambda: bool(collector.spans))
    (span,) = collector.spans
    assert (span.trace_id.hex(), span.parent_span_id.hex()) == (TRACE, SPAN)
    assert seen["traceparent"] == f"00-{TRACE}-{span.span_id.hex()}-01"
    told = texts(span.attributes)
    assert told["mcp_gateway.client"] == "codex"
    assert told["mcp_gateway.server"] == "time"
    assert told["guid:x-request-id"] == seen["x-request-id"]
    everything = b"".join(request.SerializeToString() for request in collector.requests)
    assert b"hunter2" not in everything
    assert key("codex").encode() not in everything
    assert b"gateway-token" not in everything


@pytest.mark.anyio
async def test_without_a_context_a_part_is_recorded_and_what_a_client_does_not_record_never(tmp_path):
    with receiver() as collector:
        async with rig(tmp_path) as gateway:
            replica = await gateway.replica("time")
            await gateway.configure(POLICY, otlp=collector.address, time=[replica])
            quiet = await headers_at_the_replica(gateway, traceparent=f"00-{TRACE}-{SPAN}-00")
            begun = [(await headers_at_the_replica(gateway))["traceparent"] for _ in range(REQUESTS)]
            recorded = {context.split("-")[1] for context in begun if context.endswith("-01")}
            await until(lambda: {span.trace_id.hex() for span in collector.spans} == recorded)
    assert quiet["traceparent"].startswith(f"00-{TRACE}-")
    assert quiet["traceparent"].endswith("-00")
    assert 0 < len(recorded) < REQUESTS / 2


@pytest.mark.anyio
async def test_a_receiver_that_is_away_holds_up_no_request(tmp_path):
    async with rig(tmp_path) as gateway:
        replica = await gateway.replica("time")
        await gateway.configure(POLICY, otlp=("127.0.0.1", 9), time=[replica])
        for _ in range(20):
            assert "traceparent" in await headers_at_the_replica(gateway)


@pytest.mark.anyio
async def test_without_a_receiver_the_clients_context_goes_on_and_every_request_has_an_id(tmp_path):
    async with rig(tmp_path) as gateway:
        replica = await gateway.replica("time")
        await gateway.configure(POLICY, time=[replica])
        context = {"traceparent": f"00-{TRACE}-{SPAN}-01", "tracestate": "vendor=1"}
        seen = await headers_at_the_replica(gateway, **context)
        assert {name: seen[name] for name in context} == context
        assert "traceparent" not in await headers_at_the_replica(gateway)
        response = await gateway.post("/time/mcp", "codex")
        assert response.headers["x-request-id"] == response.json()["headers"]["x-request-id"]
