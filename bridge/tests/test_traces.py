"""Traces: a span for each call that joins its client's trace, sent by OTLP, and the context that the server gets."""

import json
import time
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import strategies as st
from mcp_bridge.core.trace_context import parse
from opentelemetry.proto.trace.v1.trace_pb2 import Span, Status

from bridge.tests.cases import cases
from bridge.tests.rig import HTTP, Bridge, bridge, open_session, post, server, text_of
from tests.otlp_receiver import Receiver, receiver, texts

TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"
OTHER_TRACE = "0af7651916cd43dd8448eb211c80319c"
SPAN = "00f067aa0ba902b7"
CALLS = 4700


def traces_to(url: str) -> tuple[str, ...]:
    """Return the options with which every call is recorded."""
    return ("--otlp-endpoint", url, "--trace-ratio", "1")


@pytest.fixture(scope="module")
def collector() -> Iterator[Receiver]:
    with receiver() as running:
        yield running


@pytest.fixture(scope="module")
def traced(collector: Receiver) -> Iterator[Bridge]:
    options = (*traces_to(collector.url), "--name", "time", "--task", "abc")
    with bridge(*server("session_era"), options=options) as running:
        running.wait_ready()
        yield running


def tool(name: str, /, meta: dict[str, Any] | None = None, **arguments: Any) -> dict[str, Any]:
    return {"name": name, "arguments": arguments, **({"_meta": meta} if meta else {})}


def handed(running: Bridge, headers: dict[str, str], meta: dict[str, Any] | None = None) -> dict[str, Any]:
    """Return the `_meta` that the server gets of a call with these headers."""
    found = json.loads(text_of(post(running, "tools/call", tool("meta", meta), headers=headers, modern=True)))
    assert isinstance(found, dict)
    return found


def named(request_id: str) -> Any:
    return lambda span: texts(span.attributes)["mcp_bridge.request_id"] == request_id


def dropped(running: Bridge) -> int:
    page = HTTP.get(f"{running.url}/metrics").text
    line = next(line for line in page.splitlines() if line.startswith('mcp_trace_spans_total{outcome="dropped"'))
    return int(float(line.rpartition(" ")[2]))


def flood(running: Bridge, calls: int) -> None:
    session = open_session(running, "2025-03-26")
    sent = {"content-type": "application/json", "accept": "application/json", **session}
    for begin in range(0, calls, 500):
        batch = [
            {"jsonrpc": "2.0", "id": number, "method": "tools/call", "params": tool("echo", text="x")}
            for number in range(begin, min(begin + 500, calls))
        ]
        assert all("result" in answer for answer in HTTP.post(running.mcp, json=batch, headers=sent).json())


def test_a_call_is_a_child_of_the_gateways_span_and_the_servers_work_a_child_of_the_call(
    traced: Bridge, collector: Receiver
) -> None:
    headers = {"x-request-id": "joined", "traceparent": f"00-{TRACE}-{SPAN}-01", "tracestate": "vendor=1"}
    begun = time.time_ns()
    got = handed(traced, headers)
    span = collector.wait_for(named("joined"))
    assert (span.trace_id.hex(), span.parent_span_id.hex(), span.trace_state) == (TRACE, SPAN, "vendor=1")
    assert got == {"traceparent": f"00-{TRACE}-{span.span_id.hex()}-01", "tracestate": "vendor=1"}
    assert (span.name, span.kind) == ("tools/call meta", Span.SPAN_KIND_SERVER)
    assert begun - 10**9 < span.start_time_unix_nano <= span.end_time_unix_nano < time.time_ns() + 10**9
    assert texts(span.attributes) == {
        "mcp.method.name": "tools/call",
        "mcp.protocol.version": "2026-07-28",
        "gen_ai.operation.name": "execute_tool",
        "gen_ai.tool.name": "meta",
        "network.transport": "tcp",
        "network.protocol.name": "http",
        "jsonrpc.request.id": "1",
        "mcp_bridge.request_id": "joined",
    }
    resource = texts(collector.requests[-1].resource_spans[0].resource.attributes)
    assert resource == {"service.name": "time", "service.namespace": "mcp", "service.instance.id": "1-abc"}
    line = traced.wait_for("call", lambda line: line["request_id"] == "joined")
    assert line["trace_id"] == TRACE


def test_the_clients_own_context_in_the_envelope_wins_over_another_trace_in_the_header(
    traced: Bridge, collector: Receiver
) -> None:
    headers = {"x-request-id": "two", "traceparent": f"00-{OTHER_TRACE}-b7ad6b7169203331-01"}
    got = handed(traced, headers, {"traceparent": f"00-{TRACE}-{SPAN}-01"})
    span = collector.wait_for(named("two"))
    assert (span.trace_id.hex(), span.parent_span_id.hex()) == (TRACE, SPAN)
    assert [(link.trace_id.hex(), link.span_id.hex()) for link in span.links] == [(OTHER_TRACE, "b7ad6b7169203331")]
    assert got["traceparent"] == f"00-{TRACE}-{span.span_id.hex()}-01"


def test_in_one_trace_the_gateways_span_is_nearer_than_the_clients(traced: Bridge, collector: Receiver) -> None:
    headers = {"x-request-id": "same", "traceparent": f"00-{TRACE}-b7ad6b7169203331-01"}
    handed(traced, headers, {"traceparent": f"00-{TRACE}-{SPAN}-01"})
    assert collector.wait_for(named("same")).parent_span_id.hex() == "b7ad6b7169203331"


def test_a_call_without_a_context_begins_a_trace(traced: Bridge, collector: Receiver) -> None:
    got = handed(traced, {"x-request-id": "first", "traceparent": "00-nonsense"})
    span = collector.wait_for(named("first"))
    assert got["traceparent"] == f"00-{span.trace_id.hex()}-{span.span_id.hex()}-01"
    assert not span.parent_span_id


def test_what_the_client_does_not_record_is_not_recorded(traced: Bridge, collector: Receiver) -> None:
    context = f"00-{TRACE}-{SPAN}-00"
    assert handed(traced, {"x-request-id": "quiet", "traceparent": context})["traceparent"] == context
    handed(traced, {"x-request-id": "loud"})
    collector.wait_for(named("loud"))
    assert not any(map(named("quiet"), collector.spans))


def test_a_failed_call_says_so_and_nothing_else_that_the_client_sent(traced: Bridge, collector: Receiver) -> None:
    session = open_session(traced)
    uri = {"uri": "test://none?key=hunter2"}
    post(traced, "resources/read", uri, headers={**session, "x-request-id": "failed"})
    span = collector.wait_for(named("failed"))
    assert span.status.code == Status.STATUS_CODE_ERROR
    assert texts(span.attributes)["error.type"] == texts(span.attributes)["rpc.response.status_code"]
    assert span.name == "resources/read"
    post(traced, "tools/call", tool("made-up-hunter2", password="hunter2"), headers={**session, "x-request-id": "m"})
    collector.wait_for(named("m"))
    everything = b"".join(request.SerializeToString() for request in collector.requests)
    assert b"hunter2" not in everything
    assert session["mcp-session-id"].encode() not in everything


def test_an_answer_from_the_cache_and_a_refusal_have_their_place_in_the_trace(collector: Receiver) -> None:
    with bridge(*server("session_era"), options=(*traces_to(collector.url), "--cache", "memory")) as running:
        running.wait_ready()
        joined = {"traceparent": f"00-{TRACE}-{SPAN}-01"}
        for name in ("asked", "kept"):
            text_of(post(running, "tools/call", tool("look"), headers=joined | {"x-request-id": name}, modern=True))
        post(running, "made/up", headers={"x-request-id": "refused"}, modern=True)
        asked, kept, refused = (collector.wait_for(named(name)) for name in ("asked", "kept", "refused"))
        assert (kept.trace_id.hex(), kept.parent_span_id.hex()) == (TRACE, SPAN)
        assert "mcp_bridge.cached" not in texts(asked.attributes)
        assert texts(kept.attributes)["mcp_bridge.cached"] == "true"
        assert refused.status.code == Status.STATUS_CODE_ERROR
        line = running.wait_for("call", lambda line: line["request_id"] == "refused")
        assert line["trace_id"] == refused.trace_id.hex()


def test_a_ratio_records_a_part_of_the_traces_that_begin_here() -> None:
    with receiver() as collector:
        options = ("--otlp-endpoint", collector.url, "--trace-ratio", "0")
        with bridge(*server("session_era"), options=options) as running:
            running.wait_ready()
            assert handed(running, {}) == {}
            handed(running, {"traceparent": f"00-{TRACE}-{SPAN}-01"})
            collector.wait_until(lambda: len(collector.spans) == 1)


def test_without_a_receiver_the_server_still_gets_the_clients_context(session_bridge: Bridge) -> None:
    context = {"traceparent": f"00-{TRACE}-{SPAN}-01", "tracestate": "vendor=1"}
    assert handed(session_bridge, context) == context
    assert handed(session_bridge, {}) == {}
    session = open_session(session_bridge)
    called = post(session_bridge, "tools/call", tool("meta"), headers={**session, **context})
    assert json.loads(text_of(called)) == context
    assert handed(session_bridge, {}, context) == context


def test_a_receiver_that_is_away_costs_spans_and_no_call() -> None:
    with bridge(*server("session_era"), options=traces_to("http://127.0.0.1:9")) as running:
        running.wait_ready()
        flood(running, CALLS)
        assert dropped(running) == CALLS - 4096
        running.wait_for("trace_receiver_unreachable")
        assert running.count("trace_receiver_unreachable") == 1
        assert running.stop() == 0


def test_a_receiver_that_does_not_answer_holds_up_no_call() -> None:
    with receiver() as collector:
        collector.answering.clear()
        with bridge(*server("session_era"), options=traces_to(collector.url)) as running:
            running.wait_ready()
            handed(running, {})
            collector.wait_until(lambda: collector.asked == 1)
            flood(running, 500)
            assert running.stop() == 0


def test_a_receiver_that_comes_back_gets_what_waited_and_the_end_gets_the_rest() -> None:
    with receiver() as collector:
        collector.status = 503
        with bridge(*server("session_era"), options=traces_to(collector.url)) as running:
            running.wait_ready()
            handed(running, {"x-request-id": "waited"})
            running.wait_for("trace_receiver_unreachable")
            collector.status = 200
            collector.wait_for(named("waited"))
            handed(running, {"x-request-id": "last"})
            assert running.stop() == 0
            collector.wait_for(named("last"))


HEX = "0123456789abcdef"


@cases(st.text(HEX, min_size=32, max_size=32), st.text(HEX, min_size=16, max_size=16), st.integers(0, 255))
def test_a_context_survives_reading_and_writing(trace_id: str, span_id: str, flags: int) -> None:
    found = parse(f"00-{trace_id}-{span_id}-{flags:02x}")
    if set(trace_id) == {"0"} or set(span_id) == {"0"}:
        assert found is None
    else:
        assert found is not None
        assert found.traceparent == f"00-{trace_id}-{span_id}-0{flags & 1}"


@cases(st.text() | st.from_regex(r"[0-9a-f]{2}-[0-9a-f]{31,33}-[0-9a-f]{15,17}-[0-9a-f]{2}(-.*)?"), st.text())
def test_no_header_can_harm_the_reader(traceparent: str, tracestate: str) -> None:
    found = parse(traceparent, tracestate)
    if found is not None:
        assert parse(found.traceparent) is not None
        assert found.state in ("", tracestate)


@pytest.mark.parametrize(
    "traceparent",
    [
        f"ff-{TRACE}-{SPAN}-01",
        f"00-{TRACE}-{SPAN}-01-more",
        f"00-{TRACE.upper()}-{SPAN}-01",
        f"00-{'0' * 32}-{SPAN}-01",
        f"00-{TRACE}-{'0' * 16}-01",
    ],
)
def test_what_w3c_calls_invalid_is_no_context(traceparent: str) -> None:
    assert parse(traceparent) is None


def test_a_later_version_may_say_more() -> None:
    assert parse(f"01-{TRACE}-{SPAN}-01-more") is not None
