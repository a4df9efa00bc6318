"""A child of its own for each session: what clients keep apart, and what the server may ask of them."""

import json
from concurrent.futures import ThreadPoolExecutor

import pytest
from mcp_bridge.core.profile import Profile
from mcp_bridge.processes.room import MEBIBYTE, by_declaration, children_that_fit

from bridge.tests.rig import HTTP, Bridge, bridge, open_session, post, server, text_of
from bridge.tests.test_breaker import NUMBERS, call

ISOLATED = ("--mode", "isolated")


def pids(running: Bridge) -> list[int]:
    return list(running.health()[1]["dependencies"]["child"]["pids"])


def test_each_session_has_a_child_of_its_own_and_stateless_requests_share_one() -> None:
    with bridge(*server("session_era"), options=ISOLATED) as running:
        running.wait_ready()
        one, two = open_session(running), open_session(running)
        assert [text_of(call(running, "count", one)) for _ in range(3)] == ["1", "2", "3"]
        assert text_of(call(running, "count", two)) == "1"
        assert text_of(call(running, "count")) == "1"
        assert text_of(call(running, "count")) == "2"
        homes = {text_of(call(running, "pid", caller)) for caller in (one, two, None)}
        assert len(homes) == 3
        assert int(text_of(call(running, "pid"))) == pids(running)[0]


@pytest.mark.timeout(60)
def test_a_stateless_server_can_be_isolated_too() -> None:
    with bridge(*server("modern"), options=(*ISOLATED, "--pool", "0")) as running:
        running.wait_ready()
        session = open_session(running)
        assert text_of(call(running, "echo", session, text="x")) == "x"
        assert text_of(call(running, "echo", text="y")) == "y"
        assert len(pids(running)) == 2


def test_the_child_learns_who_its_client_is_and_what_it_can_do() -> None:
    with bridge(*server("session_era"), options=ISOLATED) as running:
        running.wait_ready()
        session = open_session(running, "2025-06-18", roots={"listChanged": True}, experimental={"x": {}})
        met = json.loads(text_of(call(running, "client", session)))
        assert met == {
            "protocolVersion": "2025-06-18",
            "capabilities": {"roots": {"listChanged": True}},
            "clientInfo": {"name": "test", "version": "1"},
        }
        headers = {**session, "content-type": "application/json", "accept": "application/json, text/event-stream"}
        changed = {"jsonrpc": "2.0", "method": "notifications/roots/list_changed"}
        assert HTTP.post(running.mcp, json=changed, headers=headers).status_code == 202
        heard = json.loads(text_of(call(running, "listened", session)))
        assert heard == ["notifications/initialized", "notifications/roots/list_changed"]


def test_a_server_may_ask_its_only_client_outside_of_a_call() -> None:
    with bridge(*server("session_era"), options=ISOLATED) as running:
        running.wait_ready()
        session, other = open_session(running, roots={}), open_session(running, roots={})
        stream = {**session, "accept": "text/event-stream"}
        with HTTP.stream("GET", running.mcp, headers=stream) as events:
            call(running, "ask_afterwards", session, method="roots/list")
            event = next(line for line in events.iter_lines() if line.startswith("data: {"))
            question = json.loads(event[6:])
            assert question["method"] == "roots/list"
            answer = {"jsonrpc": "2.0", "id": question["id"], "result": {"roots": [{"uri": "file:///mine"}]}}
            headers = {**session, "content-type": "application/json", "accept": "application/json, text/event-stream"}
            assert HTTP.post(running.mcp, json=answer, headers=headers).status_code == 202
            assert json.loads(text_of(call(running, "answered", session))) == [answer["result"]]
        assert json.loads(text_of(call(running, "answered", other))) == []


def test_clients_with_calls_in_flight_at_the_same_time_are_each_asked() -> None:
    with bridge(*server("session_era"), options=ISOLATED) as running, ThreadPoolExecutor(2) as pool:
        running.wait_ready()
        sessions = [open_session(running, sampling={}) for _ in range(2)]
        held = [pool.submit(call, running, "hold", session, name="mine") for session in sessions]
        for session in sessions:
            while "mine" not in text_of(call(running, "held", session)):
                pass
        arguments = {"name": "ask", "arguments": {"method": "sampling/createMessage", "params": {"messages": []}}}
        for session in sessions:
            body = {"jsonrpc": "2.0", "id": next(NUMBERS), "method": "tools/call", "params": arguments}
            headers = {**session, "content-type": "application/json", "accept": "application/json, text/event-stream"}
            with HTTP.stream("POST", running.mcp, json=body, headers=headers) as events:
                lines = (line for line in events.iter_lines() if line.startswith("data: {"))
                question = json.loads(next(lines)[6:])
                reply = {"jsonrpc": "2.0", "id": question["id"], "result": {"model": session["mcp-session-id"]}}
                HTTP.post(running.mcp, json=reply, headers=headers)
                result = json.loads(next(lines)[6:])["result"]
            assert json.loads(result["content"][0]["text"]) == {"model": session["mcp-session-id"]}
            call(running, "release", session, name="mine")
        assert [answer.result().status_code for answer in held] == [200, 200]


def test_changes_in_a_sessions_child_are_told_to_that_session_alone() -> None:
    with bridge(*server("session_era"), options=ISOLATED) as running:
        running.wait_ready()
        one, two = open_session(running), open_session(running)
        for session in (one, two):
            post(running, "resources/subscribe", {"uri": "test://one"}, headers=session)
        with (
            HTTP.stream("GET", running.mcp, headers={**one, "accept": "text/event-stream"}) as first,
            HTTP.stream("GET", running.mcp, headers={**two, "accept": "text/event-stream"}) as second,
        ):
            call(running, "change", one)
            call(running, "update", two, uri="test://one")
            told = [
                next(json.loads(line[6:])["method"] for line in stream.iter_lines() if line.startswith("data: {"))
                for stream in (first, second)
            ]
        assert told == ["notifications/tools/list_changed", "notifications/resources/updated"]


# Which mode, and how many children


@pytest.mark.timeout(60)
@pytest.mark.parametrize(("name", "mode"), [("session_era", "isolated"), ("modern", "shared")])
def test_auto_isolates_what_declares_session_state(name: str, mode: str) -> None:
    with bridge(*server(name), options=("--mode", "auto", "--max-children", "8")) as running:
        chosen = running.wait_for("mode")
        assert chosen["mode"] == mode
        sessions = [open_session(running) for _ in range(2)]
        assert [text_of(call(running, "echo", session, text="x")) for session in sessions] == ["x", "x"]
        assert (len(pids(running)) > 1) == (mode == "isolated")


def test_auto_shares_where_there_is_no_room_for_eight_sessions() -> None:
    with bridge(*server("session_era"), options=("--mode", "auto", "--max-children", "7")) as running:
        chosen = running.wait_for("mode")
        assert chosen["mode"] == "shared"
        assert "logging and resources.subscribe" in chosen["reason"]
        assert "room for 7 of 8" in chosen["reason"]


@pytest.mark.parametrize(
    ("capabilities", "isolated"),
    [
        ({"tools": {"listChanged": True}, "prompts": {}, "resources": {"listChanged": True}}, False),
        ({"tools": {}, "logging": {}}, True),
        ({"resources": {"subscribe": True}}, True),
        ({"resources": {"subscribe": False}}, False),
    ],
)
def test_auto_goes_by_what_the_session_revisions_keep_in_a_session(
    capabilities: dict[str, object], isolated: bool
) -> None:
    said = Profile(revision="2025-11-25", capabilities=capabilities, server_info={}, instructions=None)
    assert by_declaration(said, 8).isolated is isolated


def test_room_is_what_the_container_has_beside_the_bridge_and_the_shared_children() -> None:
    assert children_that_fit(256 * MEBIBYTE, 40 * MEBIBYTE, 1) == 2
    assert children_that_fit(1024 * MEBIBYTE, 40 * MEBIBYTE, 1) == 18
    assert children_that_fit(1024 * MEBIBYTE, 40 * MEBIBYTE, 4) == 15
    assert children_that_fit(96 * MEBIBYTE, 40 * MEBIBYTE, 1) == 0
    assert children_that_fit(None, 40 * MEBIBYTE, 1) == 32
