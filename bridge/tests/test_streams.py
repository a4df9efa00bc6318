"""Event streams: what comes before an answer, and the standing stream of a session."""

from bridge.tests.rig import HTTP, Bridge, events, open_session, post, text_of, tool


def test_a_client_without_event_streams_gets_the_answer_alone(session_bridge: Bridge) -> None:
    session = {**open_session(session_bridge), "accept": "application/json"}
    params = {**tool("progress"), "_meta": {"progressToken": "mine"}}
    assert text_of(post(session_bridge, "tools/call", params, headers=session)) == "done"


def test_a_second_standing_stream_takes_over(either_bridge: Bridge) -> None:
    session = {**open_session(either_bridge), "accept": "text/event-stream"}
    with (
        HTTP.stream("GET", either_bridge.mcp, headers=session) as first,
        HTTP.stream("GET", either_bridge.mcp, headers=session) as second,
    ):
        assert (first.status_code, second.status_code) == (200, 200)
        assert [event.data for event in events(first)] == [None]
        post(either_bridge, "tools/call", tool("change"), headers=session | {"accept": "application/json"})
        told = next(event.data for event in events(second) if event.data)
        assert told["method"] == "notifications/tools/list_changed"
