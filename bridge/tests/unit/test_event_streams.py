"""What is kept of event streams: bounded, and never another stream's."""

import json
from typing import Any

import pytest
from hypothesis import strategies as st
from mcp_bridge.core.errors import RpcError
from mcp_bridge.core.event_streams import EventStore, EventStream, SessionStreams

from bridge.tests.cases import cases


class Reader:
    """A connection that remembers what it got."""

    def __init__(self, streams: SessionStreams) -> None:
        self.streams = streams
        self.got: list[Any] = []
        self.ids: list[str] = []
        self.ended = False

    def put(self, event_id: bytes, message: bytes) -> bool:
        self.ids.append(event_id.decode())
        self.got.append(json.loads(message))
        return True

    def end(self) -> None:
        self.ended = True


def read(streams: SessionStreams, event_id: str) -> Reader:
    """Resume after an event."""
    reader = Reader(streams)
    stream, after = streams.find(event_id)
    stream.connect(reader, after)
    return reader


def fill(stream: EventStream, count: int, size: int = 1) -> None:
    for number in range(1, count + 1):
        stream.send(b"%*d" % (size, number))


@cases(
    sends=st.lists(st.tuples(st.integers(0, 3), st.integers(0, 3), st.integers(1, 3000)), max_size=80),
    cut=st.integers(0, 80),
)
def test_what_is_kept_stays_within_its_bounds_and_is_each_streams_own(
    sends: list[tuple[int, int, int]], cut: int
) -> None:
    store = EventStore(session_events=8, session_bytes=4000, total_bytes=6000)
    sessions = [SessionStreams(store) for _ in range(4)]
    streams = [[session.standing, *(session.open(b"1") for _ in range(3))] for session in sessions]
    sent: dict[tuple[int, int], int] = {}
    for owner, number, size in sends:
        streams[owner][number].send(json.dumps([owner, number, "x" * size]).encode())
        sent[owner, number] = sent.get((owner, number), 0) + 1
        assert store.bytes == sum(session.bytes for session in sessions) <= 6000
        assert all(session.bytes <= 4000 for session in sessions)
    for owner, number in sent:
        reader = read(sessions[owner], f"{number}-0")
        assert all(message[:2] == [owner, number] for message in reader.got)
        order = [int(event_id.rpartition("-")[2]) for event_id in reader.ids]
        assert order == sorted(order)
        assert len(order) <= 8
    for session in sessions[: cut % 5]:
        session.close()
        assert session.bytes == 0
    assert store.bytes == sum(session.bytes for session in sessions)


def test_a_resume_from_before_what_is_kept_begins_at_the_oldest_event_left() -> None:
    streams = SessionStreams(EventStore(session_events=3))
    stream = streams.open(b"1")
    fill(stream, 10)
    assert read(streams, "1-2").got == [8, 9, 10]
    assert read(streams, "1-9").got == [10]


@pytest.mark.parametrize("store", [EventStore(session_events=2), EventStore(session_bytes=1500)])
def test_a_client_whose_answer_is_gone_is_told_so(store: EventStore) -> None:
    streams = SessionStreams(store)
    stream = streams.open(b'"seven"')
    stream.send(b"1")
    stream.finish(b'{"answer": "%s"}' % (b"x" * 1400))
    fill(streams.standing, 2)
    reader = read(streams, "1-1")
    assert reader.ended
    [told] = reader.got
    assert (told["id"], told["error"]["code"]) == ("seven", -32000)


def test_sessions_that_were_silent_for_longest_give_way() -> None:
    store = EventStore(total_bytes=10_000)
    old, new = SessionStreams(store), SessionStreams(store)
    fill(old.standing, 5, 1000)
    fill(new.standing, 6, 1000)
    assert read(new, "0-0").got == [1, 2, 3, 4, 5, 6]
    assert read(old, "0-0").got == [4, 5]


def test_a_change_is_kept_once_for_a_client_that_does_not_listen() -> None:
    streams = SessionStreams(EventStore())
    for _ in range(1000):
        streams.standing.remind(b'"tools"')
        streams.standing.remind(b'"prompts"')
    reader = Reader(streams)
    streams.standing.connect(reader)
    assert reader.got == ["tools", "prompts"]
    streams.standing.remind(b'"tools"')
    assert reader.got == ["tools", "prompts", "tools"]


def test_ended_streams_are_forgotten_when_there_are_many() -> None:
    streams = SessionStreams(EventStore())
    open_one = streams.open(b"0")
    for number in range(100):
        streams.open(b"%d" % number).finish(b"1")
    with pytest.raises(RpcError):
        streams.find("2-1")
    assert streams.find("1-0") == (open_one, 0)
    assert streams.find("101-1")[1] == 1
