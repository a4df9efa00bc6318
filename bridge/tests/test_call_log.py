"""The line that each call leaves in the log, and the id by which it is found again."""

import json
import re
from typing import Any

from bridge.tests.rig import HTTP, Bridge, bridge, open_session, post, server, text_of

GATEWAY_ID = "0af76519-16cd-43dd-8448-eb211c80319c"
TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"
LINES_A_SECOND = 100


def tool(name: str, /, **arguments: Any) -> dict[str, Any]:
    return {"name": name, "arguments": arguments}


def line_of(running: Bridge, request_id: str) -> dict[str, Any]:
    return running.wait_for("call", lambda line: line["request_id"] == request_id)


def test_a_call_leaves_one_line_that_says_whose_it_was_and_how_it_went(either_bridge: Bridge) -> None:
    headers = {"x-request-id": "one-line", "traceparent": f"00-{TRACE}-00f067aa0ba902b7-01"}
    post(either_bridge, "tools/call", tool("echo", text="not for the log"), modern=True, headers=headers)
    line = line_of(either_bridge, "one-line")
    assert line.pop("duration_ms") > 0
    assert re.fullmatch(r"2\d\d\d-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}\+00:00", line.pop("time"))
    assert line.pop("server")
    assert line == {
        "level": "info",
        "event": "call",
        "request_id": "one-line",
        "client": "",
        "method": "tools/call",
        "tool": "echo",
        "tier": "",
        "outcome": "ok",
        "trace_id": TRACE,
    }
    assert "not for the log" not in "".join(either_bridge.raw)


def test_a_call_that_fails_leaves_the_code_and_no_name_that_the_client_made_up(session_bridge: Bridge) -> None:
    made_up = tool("a-secret-that-somebody-pasted")
    post(session_bridge, "tools/call", made_up, modern=True, headers={"x-request-id": "made-up"})
    assert line_of(session_bridge, "made-up")["tool"] == "other"
    missing = {"uri": "test://none"}
    post(session_bridge, "resources/read", missing, modern=True, headers={"x-request-id": "missing"})
    assert line_of(session_bridge, "missing")["outcome"] in {"-32002", "other"}
    assert "pasted" not in "".join(session_bridge.raw)


def test_every_answer_names_the_request(either_bridge: Bridge) -> None:
    session = open_session(either_bridge)
    given = {**session, "x-request-id": GATEWAY_ID}
    answers = (
        post(either_bridge, "tools/call", tool("echo", text="x"), headers=given),
        post(either_bridge, "no/such", headers=given),
        post(either_bridge, "tools/list", headers={"x-request-id": GATEWAY_ID}),
        HTTP.put(either_bridge.mcp, headers=given),
    )
    assert [answer.headers["x-request-id"] for answer in answers] == [GATEWAY_ID] * len(answers)
    with HTTP.stream("GET", either_bridge.mcp, headers={**given, "accept": "text/event-stream"}) as stream:
        assert stream.headers["x-request-id"] == GATEWAY_ID


def test_a_request_without_an_id_or_with_a_bad_one_gets_one_of_its_own(either_bridge: Bridge) -> None:
    session = open_session(either_bridge)
    bad = ("", "two words", "x" * 129, '"quoted"')
    answers = [
        post(either_bridge, "tools/call", tool("echo", text="x"), headers={**session, "x-request-id": given})
        for given in bad
    ]
    answers.append(post(either_bridge, "tools/call", tool("echo", text="x"), headers=session))
    ids = [answer.headers["x-request-id"] for answer in answers]
    assert len(set(ids)) == len(ids)
    assert not set(ids) & set(bad)
    assert line_of(either_bridge, ids[-1])["outcome"] == "ok"


def test_the_gateway_says_who_the_client_is(tmp_path: Any) -> None:
    (tmp_path / "token").write_text("the-token")
    options = ("--gateway-token-file", str(tmp_path / "token"), "--host", "127.0.0.1")
    headers = {"x-mcp-gateway-token": "the-token", "x-mcp-client": "ci-bot", "x-request-id": "with-client"}
    with bridge(*server("session_era"), options=options) as running:
        running.wait_ready()
        post(running, "tools/call", tool("echo", text="x"), modern=True, headers=headers)
        assert line_of(running, "with-client")["client"] == "ci-bot"


def test_a_flood_of_calls_leaves_a_bounded_number_of_lines_and_their_count() -> None:
    with bridge(*server("session_era")) as running:
        running.wait_ready()
        session = open_session(running, "2025-03-26")
        batch = [
            {"jsonrpc": "2.0", "id": number, "method": "tools/call", "params": tool("echo", text="x")}
            for number in range(3 * LINES_A_SECOND)
        ]
        sent = {"content-type": "application/json", "accept": "application/json", **session}
        assert len(HTTP.post(running.mcp, json=batch, headers=sent).json()) == len(batch)
        omitted = running.wait_for("calls_not_logged")["calls"]
        # A second may begin in the middle of the batch.
        assert running.count("call") <= 2 * LINES_A_SECOND
        assert running.count("call") + omitted == len(batch)
        post(running, "tools/call", tool("crash"), modern=True, headers={"x-request-id": "after"})
        assert line_of(running, "after")["outcome"] == "-32000"


def test_at_level_debug_every_call_has_its_line() -> None:
    environment = {"MCP_BRIDGE_LOG_LEVEL": "debug"}
    with bridge(*server("session_era"), environment=environment) as running:
        running.wait_ready()
        session = open_session(running)
        for number in range(2 * LINES_A_SECOND + 10):
            assert text_of(post(running, "tools/call", tool("echo", text=str(number)), headers=session)) == str(number)
        assert running.stop() == 0
    assert running.count("call") == 2 * LINES_A_SECOND + 10
    assert all(json.loads(line) for line in running.raw)
