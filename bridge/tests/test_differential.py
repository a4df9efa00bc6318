"""The bridge against the official SDK: what its types call valid passes, and what passes is valid by its types.

Both eras on both sides. `mcp_types.methods` is what the SDK's own client and server validate with, before they send and
when they receive.
"""

import json
from typing import Any

import pytest
from hypothesis import example
from hypothesis import strategies as st
from mcp_bridge.core import translation
from mcp_bridge.core.envelope import decode
from mcp_types import methods
from mcp_types.jsonrpc import (
    JSONRPCRequest,
    JSONRPCResponse,
    jsonrpc_message_adapter,
)
from msgspec import Raw
from pydantic import ValidationError

from bridge.tests.cases import cases
from bridge.tests.rig import META
from bridge.tests.strategies import OBJECTS
from bridge.tests.wiring import Recorder, Wiring, outcome, profile
from bridge.tests.wiring import caller as caller_of

VERSIONS = {True: "2026-07-28", False: "2025-11-25"}
ERAS = [True, False]

# Requests of clients

REQUESTS: dict[str, list[dict[str, Any]]] = {
    "completion/complete": [
        {"ref": {"type": "ref/prompt", "name": "p"}, "argument": {"name": "a", "value": "v"}},
        {
            "ref": {"type": "ref/resource", "uri": "test://{a}"},
            "argument": {"name": "a", "value": ""},
            "context": {"arguments": {"b": "c"}},
        },
    ],
    "prompts/get": [{"name": "p"}, {"name": "p", "arguments": {"a": "b"}}],
    "prompts/list": [{}, {"cursor": "c"}],
    "resources/list": [{}, {"cursor": "c"}],
    "resources/read": [{"uri": "test://one"}],
    "resources/templates/list": [{}, {"cursor": "c"}],
    "tools/call": [
        {"name": "t"},
        {"name": "t", "arguments": {"name": "n", "deep": [{"a": None}]}},
        {"name": "t", "_meta": {"progressToken": "p", "mine": {"a": 1}}},
        {"name": "t", "_meta": {"progressToken": 7}},
    ],
    "tools/list": [{}, {"cursor": "c"}],
}
"""What goes on to the server; the rest the bridge answers itself."""

HERE: dict[str, dict[str, Any]] = {
    "ping": {},
    "logging/setLevel": {"level": "warning"},
    "resources/subscribe": {"uri": "test://one"},
    "resources/unsubscribe": {"uri": "test://one"},
    "server/discover": {},
    "subscriptions/listen": {"notifications": {"toolsListChanged": True}},
}


def test_no_kind_of_request_is_forgotten() -> None:
    """`initialize` opens a session and has tests of its own."""
    known = {method for method, version in methods.CLIENT_REQUESTS if version in VERSIONS.values()}
    assert known == {*REQUESTS, *HERE, "initialize"}


def put(wiring: Wiring, modern: bool, method: str, params: dict[str, Any]) -> Recorder:
    """Put a client's request of either era to the bridge, validated by the SDK first."""
    if modern:
        params = {**params, "_meta": {**META, **params.get("_meta", {})}}
    methods.validate_client_request(method, VERSIONS[modern], params)
    body = json.dumps({"jsonrpc": "2.0", "id": "mine", "method": method, "params": params}).encode()
    exchange = Recorder()
    caller = caller_of(True) if modern else wiring.session(sampling={}, elicitation={}, roots={})
    wiring.switchboard.request(wiring.link, caller, decode(body), exchange)
    return exchange


@pytest.mark.parametrize("child_modern", ERAS)
@pytest.mark.parametrize("modern", ERAS)
@pytest.mark.parametrize("method", REQUESTS)
def test_a_request_that_is_valid_reaches_the_server_valid(method: str, modern: bool, child_modern: bool) -> None:
    for params in REQUESTS[method]:
        wiring = Wiring(child_modern)
        put(wiring, modern, method, params)
        sent = wiring.lines[-1]
        assert type(jsonrpc_message_adapter.validate_python(sent)) is JSONRPCRequest
        assert sent["method"] == method
        methods.validate_client_request(method, VERSIONS[child_modern], sent.get("params"))
        kept = {name: value for name, value in sent.get("params", {}).items() if name != "_meta"}
        assert kept == {name: value for name, value in params.items() if name != "_meta"}


@pytest.mark.parametrize("child_modern", ERAS)
@pytest.mark.parametrize("modern", ERAS)
@pytest.mark.parametrize("method", HERE)
def test_what_the_bridge_answers_itself_is_valid(method: str, modern: bool, child_modern: bool) -> None:
    if (method, VERSIONS[modern]) not in methods.CLIENT_REQUESTS:
        return
    exchange = put(Wiring(child_modern), modern, method, HERE[method])
    if method == "subscriptions/listen":  # answered by a stream, which begins with this
        [told] = exchange.sent
        methods.parse_server_notification(told["method"], VERSIONS[modern], told["params"])
    else:
        assert type(jsonrpc_message_adapter.validate_python(exchange.answer)) is JSONRPCResponse
        methods.validate_server_result(method, VERSIONS[modern], exchange.answer["result"])


def test_what_initialize_and_discover_answer_is_valid() -> None:
    for child_modern in ERAS:
        for revision in ("2025-11-25", "2025-06-18", "2025-03-26"):
            result = json.loads(profile(child_modern).initialize_result(revision))
            methods.validate_server_result("initialize", revision, result)
        discovered = json.loads(profile(child_modern).discover_result())
        methods.validate_server_result("server/discover", "2026-07-28", discovered)


# Results of servers

TEXT_CONTENT = {"type": "text", "text": "t", "annotations": {"audience": ["user"], "priority": 0.5}}
RESULTS: dict[str, list[dict[str, Any]]] = {
    "completion/complete": [{"completion": {"values": ["a"], "total": 1, "hasMore": False}}],
    "prompts/get": [{"messages": [{"role": "user", "content": TEXT_CONTENT}], "description": "d"}],
    "prompts/list": [{"prompts": [{"name": "p", "arguments": [{"name": "a", "required": True}]}], "nextCursor": "n"}],
    "resources/list": [{"resources": [{"uri": "test://one", "name": "one", "size": 3}]}],
    "resources/read": [{"contents": [{"uri": "test://one", "text": "t"}, {"uri": "test://two", "blob": "AAAA"}]}],
    "resources/templates/list": [{"resourceTemplates": [{"uriTemplate": "test://{a}", "name": "n"}]}],
    "tools/call": [
        {"content": []},
        {"content": [TEXT_CONTENT, {"type": "image", "data": "AAAA", "mimeType": "image/png"}], "isError": True},
        {"content": [{"type": "resource_link", "uri": "test://one", "name": "n"}], "structuredContent": {"a": [1]}},
        {"content": [], "_meta": {"mine": {"resultType": "no"}}},
    ],
    "tools/list": [{"tools": [{"name": "t", "inputSchema": {"type": "object"}, "outputSchema": {"type": "object"}}]}],
}


@pytest.mark.parametrize("child_modern", ERAS)
@pytest.mark.parametrize("modern", ERAS)
@pytest.mark.parametrize("method", RESULTS)
def test_a_result_that_is_valid_reaches_the_client_valid(method: str, modern: bool, child_modern: bool) -> None:
    for result in RESULTS[method]:
        if child_modern:
            hints = {"ttlMs": 5, "cacheScope": "public"} if method in methods.CACHEABLE_METHODS else {}
            result = {"resultType": "complete", **hints, **result}  # noqa: PLW2901 - the same result, in that era
        methods.validate_server_result(method, VERSIONS[child_modern], result)
        wiring = Wiring(child_modern)
        exchange = put(wiring, modern, method, REQUESTS[method][0])
        wiring.heard(id=wiring.lines[-1]["id"], result=result)
        assert type(jsonrpc_message_adapter.validate_python(exchange.answer)) is JSONRPCResponse
        assert exchange.answer["id"] == "mine"
        found = exchange.answer["result"]
        methods.validate_server_result(method, VERSIONS[modern], found)
        protocol = {"resultType", "ttlMs", "cacheScope", "_meta"}
        given = {name: value for name, value in result.items() if name not in protocol}
        assert {name: value for name, value in found.items() if name not in protocol} == given


HINTS = {"resultType": "complete", "ttlMs": 0, "cacheScope": "private"}
"""What a result has in the stateless revision alone."""


@cases(result=OBJECTS, method=st.sampled_from(sorted(RESULTS)), modern=st.booleans())
@example(result={"cacheScope": None}, method="prompts/list", modern=True)
@example(result={"ttlMs": "5"}, method="tools/list", modern=False)
def test_a_result_of_the_other_era_is_valid_where_it_was_before_in_all_that_its_client_knows(
    result: dict[str, Any], method: str, modern: bool
) -> None:
    child = not modern
    given = {**RESULTS[method][0], **(HINTS if child else {}), **result, "x": 1}
    encoded = Raw(json.dumps(given).encode())
    _, passed = outcome(lambda: translation.to_client(method, encoded, caller_of(modern), profile(child)))
    accepted = passed is not None and valid(method, modern, json.loads(passed))
    assert accepted == valid(method, child, given | HINTS)


def valid(method: str, modern: bool, result: Any) -> bool:
    try:
        methods.validate_server_result(method, VERSIONS[modern], result)
    except ValidationError:
        return False
    return True


# What servers ask and tell

ASKED: dict[str, dict[str, Any]] = {
    "sampling/createMessage": {"messages": [{"role": "user", "content": TEXT_CONTENT}], "maxTokens": 5},
    "elicitation/create": {
        "message": "m",
        "requestedSchema": {"type": "object", "properties": {"a": {"type": "string"}}},
    },
    "roots/list": {},
}
ANSWERED: dict[str, dict[str, Any]] = {
    "sampling/createMessage": {"role": "assistant", "content": {"type": "text", "text": "t"}, "model": "m"},
    "elicitation/create": {"action": "accept", "content": {"a": "b"}},
    "roots/list": {"roots": [{"uri": "file:///tmp", "name": "n"}]},
}


def test_no_kind_of_question_is_forgotten() -> None:
    known = {method for method, version in methods.SERVER_REQUESTS if version == "2025-11-25"}
    assert known == {*ASKED, "ping"}


@pytest.mark.parametrize("method", ASKED)
def test_a_question_and_its_answer_stay_valid(method: str) -> None:
    wiring = Wiring()
    exchange = put(wiring, False, "tools/call", {"name": "t"})
    wiring.heard(id="theirs", method=method, params=ASKED[method])
    asked = exchange.sent[-1]
    assert type(jsonrpc_message_adapter.validate_python(asked)) is JSONRPCRequest
    methods.parse_server_request(asked["method"], "2025-11-25", asked["params"])
    session = next(iter(wiring.sessions))
    reply = {"jsonrpc": "2.0", "id": asked["id"], "result": ANSWERED[method]}
    wiring.switchboard.questions.answer(session, decode(json.dumps(reply).encode()))
    assert wiring.lines[-1]["id"] == "theirs"
    methods.validate_client_result(method, "2025-11-25", wiring.lines[-1]["result"])


TOLD: dict[str, dict[str, Any]] = {
    "notifications/message": {"level": "error", "data": {"a": 1}, "logger": "l"},
    "notifications/progress": {"progress": 0.5, "total": 1, "message": "m"},
}


@pytest.mark.parametrize("child_modern", ERAS)
@pytest.mark.parametrize("modern", ERAS)
@pytest.mark.parametrize("method", TOLD)
def test_what_a_server_tells_stays_valid(method: str, modern: bool, child_modern: bool) -> None:
    wiring = Wiring(child_modern)
    level = {"io.modelcontextprotocol/logLevel": "debug"} if modern else {}
    exchange = put(wiring, modern, "tools/call", {"name": "t", "_meta": {"progressToken": "p", **level}})
    params = dict(TOLD[method])
    if method == "notifications/progress":
        params["progressToken"] = wiring.lines[-1]["id"]
    wiring.heard(method=method, params=params)
    if not exchange.sent:
        assert modern and method == "notifications/message"  # noqa: PT018 - such a caller has to say that it listens
        return
    told = exchange.sent[-1]
    methods.parse_server_notification(told["method"], VERSIONS[modern], told["params"])
    assert told["params"] == {**params, **({"progressToken": "p"} if "progressToken" in params else {})}
