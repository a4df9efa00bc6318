"""Clients that lose the connection of an event stream take it up again by Last-Event-ID."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import httpx2
import pytest

from bridge.tests.rig import (
    HTTP,
    Bridge,
    Event,
    bridge,
    events,
    open_session,
    post,
    resident_bytes,
    server,
    text_of,
    tool,
)

Session = dict[str, str]


@contextmanager
def calling(running: Bridge, session: Session, params: dict[str, Any], number: int = 1) -> Iterator[httpx2.Response]:
    """Call a tool that reports progress; its answer is an event stream."""
    body = {"jsonrpc": "2.0", "id": number, "method": "tools/call"}
    body["params"] = {**params, "_meta": {"progressToken": number}}
    with HTTP.stream("POST", running.mcp, json=body, headers=session) as response:
        yield response


@contextmanager
def listening(running: Bridge, session: Session, after: str | None = None) -> Iterator[httpx2.Response]:
    """Open the standing stream, or resume a stream after an event."""
    headers = {**session, "accept": "text/event-stream", **({} if after is None else {"last-event-id": after})}
    with HTTP.stream("GET", running.mcp, headers=headers) as response:
        yield response


def release(running: Bridge, session: Session, name: str) -> None:
    text_of(post(running, "tools/call", tool("release", name=name), number="release", headers=session))


def lose(running: Bridge, session: Session, name: str, number: int = 1) -> str:
    """Call `hold`, and lose the connection after its first progress; returns the id of that event."""
    with calling(running, session, tool("hold", name=name), number) as response:
        return next(event.id for event in events(response) if event.data)


def gist(event: Event) -> Any:
    """Return what a message is about: a progress, a changed list, or an answer's text."""
    data = event.data
    if "result" in data:
        return data["id"], data["result"]["content"][0]["text"]
    return data["params"]["progress"] if "progress" in data["method"] else data["method"].rpartition("/")[2]


def test_what_came_while_the_client_was_away_is_sent_when_it_returns(either_bridge: Bridge) -> None:
    session = open_session(either_bridge)
    last = lose(either_bridge, session, "away", number=5)
    release(either_bridge, session, "away")
    with listening(either_bridge, session, last) as response:
        assert [gist(event) for event in events(response)] == [2, (5, "released away")]


def test_a_resumed_stream_goes_on_live(either_bridge: Bridge) -> None:
    session = open_session(either_bridge)
    last = lose(either_bridge, session, "live")
    with listening(either_bridge, session, last) as response:
        release(either_bridge, session, "live")
        assert [gist(event) for event in events(response)] == [2, (1, "released live")]


def test_a_stream_may_be_lost_again_and_again(either_bridge: Bridge) -> None:
    session = open_session(either_bridge)
    last = lose(either_bridge, session, "again")
    for _ in range(3):
        with listening(either_bridge, session, last) as response:
            assert response.status_code == 200
    release(either_bridge, session, "again")
    seen: list[Any] = []
    for _ in range(2):
        with listening(either_bridge, session, last) as response:
            event = next(events(response))
            seen.append(gist(event))
            last = event.id
    assert seen == [2, (1, "released again")]
    with listening(either_bridge, session, last) as response:
        assert list(events(response)) == []


def test_only_the_stream_that_was_lost_is_resumed(either_bridge: Bridge) -> None:
    session = open_session(either_bridge)
    first = lose(either_bridge, session, "first", number=1)
    second = lose(either_bridge, session, "second", number=2)
    text_of(post(either_bridge, "tools/call", tool("change"), number=3, headers=session))
    release(either_bridge, session, "second")
    release(either_bridge, session, "first")
    with listening(either_bridge, session, first) as response:
        assert [gist(event) for event in events(response)] == [2, (1, "released first")]
    with listening(either_bridge, session, second) as response:
        assert [gist(event) for event in events(response)] == [2, (2, "released second")]
    with listening(either_bridge, session) as response:
        assert gist(next(event for event in events(response) if event.data)) == "list_changed"


def test_event_ids_are_unique_in_the_session(session_bridge: Bridge) -> None:
    session = open_session(session_bridge)
    seen: list[str] = []
    for number in range(3):
        with calling(session_bridge, session, tool("progress"), number) as response:
            seen += [event.id for event in events(response)]
    assert all(seen)
    assert len(set(seen)) == len(seen) == 3 * 5


def test_the_standing_stream_is_resumed_too(either_bridge: Bridge) -> None:
    session = open_session(either_bridge)
    change = tool("change")
    with listening(either_bridge, session) as response:
        stream = events(response)
        primer = next(stream)
        post(either_bridge, "tools/call", change, headers=session)
        last = next(stream).id
    text_of(post(either_bridge, "tools/call", change, headers=session))
    with listening(either_bridge, session, last) as response:
        missed = next(events(response))
        assert gist(missed) == "list_changed"
    with listening(either_bridge, session, primer.id) as response:
        stream = events(response)
        assert [next(stream).id, next(stream).id] == [last, missed.id]


@pytest.mark.parametrize(("revision", "primed"), [("2025-11-25", True), ("2025-06-18", False), ("2025-03-26", False)])
def test_a_stream_begins_with_an_event_id_where_the_revision_says_so(
    session_bridge: Bridge, revision: str, primed: bool
) -> None:
    session = open_session(session_bridge, revision)
    with calling(session_bridge, session, tool("progress")) as response:
        first, *rest = events(response)
    assert (first.data is None) == primed
    assert bool(first.retry) == primed
    assert all(event.data is not None and event.id for event in rest)


def test_a_lost_call_can_still_be_cancelled(cancelling_session_bridge: Bridge) -> None:
    running, session = cancelling_session_bridge, open_session(cancelling_session_bridge)
    last = lose(running, session, "given-up")
    body = {"jsonrpc": "2.0", "method": "notifications/cancelled", "params": {"requestId": 1}}
    assert HTTP.post(running.mcp, json=body, headers=session).status_code == 202
    with listening(running, session, last) as response:
        [answer] = events(response)
    assert (answer.data["id"], answer.data["error"]["code"]) == (1, -32800)


@pytest.mark.parametrize("after", ["", "x", "1-1", "0-1", "0", "-1", "1-1-1", "99999999999-1"])
def test_an_event_that_never_was_can_not_be_resumed_from(session_bridge: Bridge, after: str) -> None:
    headers = {**open_session(session_bridge), "accept": "text/event-stream", "last-event-id": after}
    refused = HTTP.get(session_bridge.mcp, headers=headers)
    assert (refused.status_code, refused.json()["error"]["code"]) == (400, -32600)


def test_an_event_of_another_session_can_not_be_resumed_from(session_bridge: Bridge) -> None:
    mine, other = open_session(session_bridge), open_session(session_bridge)
    last = lose(session_bridge, mine, "private")
    with listening(session_bridge, other, last) as response:
        assert response.status_code == 400
    release(session_bridge, mine, "private")


def test_streams_do_not_make_memory_grow() -> None:
    """40 MB pass through event streams of 20 sessions; what is kept of them is bounded."""
    with bridge(*server("session_era")) as running:
        running.wait_ready()
        before = resident_bytes(running.process.pid)
        for _ in range(20):
            session = open_session(running)
            for number in range(20):
                logged = tool("log", level="error", text="x" * 100_000)
                assert "xxxxx" in post(running, "tools/call", logged, number=number, headers=session).text
        grown = resident_bytes(running.process.pid) - before
    assert grown < 36 * 1024 * 1024
