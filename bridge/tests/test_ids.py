"""Ids of requests: of any JSON type, kept apart between clients."""

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from bridge.tests.rig import Bridge, open_session, post, text_of, tool, until


@pytest.mark.parametrize("modern", [True, False])
@pytest.mark.parametrize("number", [0, -7, 1.5, 2**70, "1", "", "é\n", "a" * 500])
def test_an_id_comes_back_as_it_was_sent(either_bridge: Bridge, number: Any, modern: bool) -> None:
    headers = {} if modern else open_session(either_bridge)
    answer = post(either_bridge, "tools/list", number=number, modern=modern, headers=headers)
    assert answer.json()["id"] == number
    assert type(answer.json()["id"]) is type(number)


@pytest.mark.parametrize("number", [None, True, [1], {"a": 1}])
def test_what_can_be_no_id_is_refused(either_bridge: Bridge, number: Any) -> None:
    refused = post(either_bridge, "tools/list", number=number, headers=open_session(either_bridge))
    assert (refused.status_code, refused.json()["error"]["code"], refused.json()["id"]) == (400, -32600, None)


def test_a_duplicate_id_in_flight_is_refused_at_once(either_bridge: Bridge) -> None:
    session = open_session(either_bridge)
    with ThreadPoolExecutor(1) as pool:
        first = pool.submit(post, either_bridge, "tools/call", tool("hold", name="twice"), number=7, headers=session)
        until(either_bridge, session, "held", "twice")
        second = post(either_bridge, "tools/list", number=7, headers=session)
        assert second.json()["error"]["code"] == -32600
        other = post(either_bridge, "tools/list", number="7", headers=session)
        assert "result" in other.json()
        post(either_bridge, "tools/call", tool("release", name="twice"), number=8, headers=session)
        assert text_of(first.result()) == "released twice"


@pytest.mark.parametrize("modern", [True, False])
def test_clients_that_use_the_same_ids_get_their_own_answers(either_bridge: Bridge, modern: bool) -> None:
    def run(number: int) -> None:
        session = {} if modern else open_session(either_bridge)
        for turn in range(5):
            text = f"{number}-{turn}"
            answer = post(either_bridge, "tools/call", tool("echo", text=text), headers=session, modern=modern)
            assert text_of(answer) == text

    with ThreadPoolExecutor(20) as pool:
        list(pool.map(run, range(20)))
