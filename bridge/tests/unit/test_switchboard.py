"""Whose a message is: answers, notifications and questions find their client, and nobody else."""

import json
from typing import Any

from hypothesis import strategies as st
from mcp_bridge.core.envelope import decode

from bridge.tests.cases import cases
from bridge.tests.strategies import IDS
from bridge.tests.wiring import Wiring


@cases(st.permutations(range(6)), st.lists(IDS, min_size=6, max_size=6))
def test_answers_find_their_clients_in_whatever_order_they_come(order: list[int], numbers: list[Any]) -> None:
    wiring = Wiring()
    exchanges = [wiring.request(wiring.session(), number) for number in numbers]
    assert len({line["id"] for line in wiring.lines}) == 6
    for index in order:
        wiring.heard(id=wiring.lines[index]["id"], result={"content": [], "index": index})
    for index, exchange in enumerate(exchanges):
        assert exchange.answer == {"jsonrpc": "2.0", "id": numbers[index], "result": {"content": [], "index": index}}


def test_an_answer_that_comes_twice_or_belongs_to_nothing_is_dropped() -> None:
    wiring = Wiring()
    exchange = wiring.request(wiring.session())
    for _ in range(2):
        wiring.heard(id=1, result={"content": []})
    wiring.heard(id="1", result={"content": []})
    assert exchange.answer["result"] == {"content": []}
    assert wiring.link.unknown_answers == 2


def test_a_log_entry_goes_to_the_only_client_that_it_can_be_for() -> None:
    wiring = Wiring()
    one, two = wiring.session(), wiring.session()
    mine = wiring.request(one)
    wiring.heard(method="notifications/message", params={"level": "info", "data": "first"})
    other = wiring.request(two)
    wiring.heard(method="notifications/message", params={"level": "info", "data": "whose?"})
    assert [sent["params"]["data"] for sent in mine.sent] == ["first"]
    assert other.sent == []


def test_nothing_is_routed_to_another_client_while_an_abandoned_call_may_still_run() -> None:
    wiring = Wiring()
    one, two = wiring.session(sampling={}), wiring.session(sampling={})
    wiring.request(one)
    call = next(wiring.link.client_calls)
    wiring.switchboard.cancel(call, "test")
    mine = wiring.request(two)
    wiring.heard(id="ask", method="sampling/createMessage", params={})
    assert mine.sent == []
    assert wiring.lines[-1]["error"]["code"] == -32600
    wiring.now = 100.0
    wiring.heard(id="ask", method="sampling/createMessage", params={})
    assert mine.sent[-1]["method"] == "sampling/createMessage"


def test_an_answer_of_another_session_is_not_taken() -> None:
    wiring = Wiring()
    one, two = wiring.session(sampling={}), wiring.session(sampling={})
    mine = wiring.request(one)
    wiring.heard(id="ask", method="sampling/createMessage", params={})
    number = mine.sent[-1]["id"]
    forged = decode(json.dumps({"jsonrpc": "2.0", "id": number, "result": {"forged": True}}).encode())
    before = len(wiring.lines)
    wiring.switchboard.questions.answer(two, forged)
    assert len(wiring.lines) == before
    wiring.switchboard.questions.answer(one, forged)
    assert wiring.lines[-1] == {"jsonrpc": "2.0", "id": "ask", "result": {"forged": True}}


def test_a_question_ends_with_the_call_that_it_belongs_to() -> None:
    wiring = Wiring()
    session = wiring.session(sampling={})
    wiring.request(session)
    wiring.heard(id="ask", method="sampling/createMessage", params={})
    wiring.heard(id=1, result={"content": []})
    assert wiring.lines[-1]["id"] == "ask"
    assert "error" in wiring.lines[-1]
    assert not session.asked


def test_a_withdrawn_question_is_withdrawn_at_the_client() -> None:
    wiring = Wiring()
    mine = wiring.request(wiring.session(sampling={}))
    wiring.heard(id="ask", method="sampling/createMessage", params={})
    wiring.heard(method="notifications/cancelled", params={"requestId": "ask"})
    assert mine.sent[-1]["method"] == "notifications/cancelled"
    assert mine.sent[-1]["params"] == {"requestId": mine.sent[-2]["id"]}


def test_rounds_of_a_modern_child_become_questions_and_a_repeated_call() -> None:
    wiring = Wiring(child_modern=True)
    session = wiring.session(elicitation={})
    mine = wiring.request(session, _meta={"progressToken": "p"})
    ask = {"a": {"method": "elicitation/create", "params": {"message": "?"}}}
    wiring.heard(id=1, result={"resultType": "input_required", "inputRequests": ask, "requestState": "s1"})
    question = mine.sent[-1]
    assert (question["method"], question["params"]) == ("elicitation/create", {"message": "?"})
    reply = {"jsonrpc": "2.0", "id": question["id"], "result": {"action": "accept"}}
    wiring.switchboard.questions.answer(session, decode(json.dumps(reply).encode()))
    again = wiring.lines[-1]
    assert again["params"]["inputResponses"] == {"a": {"action": "accept"}}
    assert again["params"]["requestState"] == "s1"
    assert again["params"]["_meta"]["progressToken"] == again["id"]
    wiring.heard(method="notifications/progress", params={"progressToken": again["id"], "progress": 1})
    assert mine.sent[-1]["params"] == {"progressToken": "p", "progress": 1}
    wiring.heard(id=again["id"], result={"resultType": "input_required", "requestState": "s2"})
    wiring.delayed.pop()()
    assert wiring.lines[-1]["params"]["requestState"] == "s2"
    wiring.heard(id=wiring.lines[-1]["id"], result={"resultType": "complete", "content": []})
    assert mine.answer["result"] == {"content": []}


def test_rounds_without_end_are_ended() -> None:
    wiring = Wiring(child_modern=True)
    mine = wiring.request(wiring.session())
    for _ in range(11):
        wiring.heard(id=wiring.lines[-1]["id"], result={"resultType": "input_required", "requestState": "s"})
        if wiring.delayed:
            wiring.delayed.pop()()
    assert mine.answer["error"]["code"] == -32603


def test_a_lost_child_fails_every_call_with_the_reason() -> None:
    wiring = Wiring()
    exchanges = [wiring.request(wiring.session()) for _ in range(3)]
    wiring.link.lost("it was killed")
    assert [exchange.answer["error"]["code"] for exchange in exchanges] == [-32000] * 3
    assert len(wiring.link) == 0
