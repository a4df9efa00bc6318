"""The core with plain values: envelopes, ids, lines, translation, routing. No process, no socket, no loop."""

import json
from collections.abc import Callable
from typing import Any, TypeVar

import pytest
from hypothesis import strategies as st
from mcp.shared import inbound
from mcp_bridge.core import envelope, parameter_headers, revisions, stateless, translation
from mcp_bridge.core.callers import Session
from mcp_bridge.core.calls import ClientCall
from mcp_bridge.core.envelope import decode, decode_child
from mcp_bridge.core.errors import RpcError
from mcp_bridge.core.header_values import decode_header
from mcp_bridge.core.lines import LineBuffer, LineTooLongError
from mcp_bridge.core.link import Link
from mcp_bridge.core.profile import Profile
from mcp_bridge.core.sessions import SessionTable
from mcp_bridge.core.switchboard import Switchboard
from mcp_bridge.redaction import Redactor
from mcp_types import methods
from msgspec import Raw

from bridge.tests.cases import cases

TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=30)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.floats(allow_nan=False, allow_infinity=False) | TEXT,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXT, inner, max_size=4),
    max_leaves=12,
)
OBJECTS = st.dictionaries(TEXT, JSON, max_size=5)
IDS = st.integers(-(2**80), 2**80) | TEXT | st.floats(allow_nan=False, allow_infinity=False)
STYLES = st.sampled_from([{"separators": (",", ":")}, {"indent": 2}, {"ensure_ascii": False}])


T = TypeVar("T")


def outcome(act: Callable[[], T]) -> tuple[int, T | None]:
    """Return 0 and what `act` gives, or the code of the error that it raises."""
    try:
        return 0, act()
    except RpcError as error:
        return error.code, None


# Envelopes and ids


@cases(number=IDS, method=TEXT, params=OBJECTS | st.none(), style=STYLES)
def test_a_request_survives_the_way_to_the_child_and_back(number: Any, method: str, params: Any, style: Any) -> None:
    message = {"jsonrpc": "2.0", "id": number, "method": method, **({} if params is None else {"params": params})}
    read = decode(json.dumps(message, **style).encode())
    assert read.is_request
    line = envelope.one_line(envelope.request(b"17", read.method or "", bytes(read.params)))
    assert b"\n" not in line
    assert b"\r" not in line
    assert json.loads(line) == {**message, "id": 17}
    answer = json.loads(envelope.result(bytes(read.id), b'{"ok":true}'))
    assert answer == {"jsonrpc": "2.0", "id": number, "result": {"ok": True}}


@cases(first=IDS, second=IDS, escaped=st.booleans())
def test_ids_are_told_apart_as_json_tells_them_apart(first: Any, second: Any, escaped: bool) -> None:
    one = envelope.key_of(json.dumps(first, ensure_ascii=escaped).encode())
    two = envelope.key_of(json.dumps(second).encode())
    if isinstance(first, str) or isinstance(second, str):
        assert (one == two) == (first == second and type(first) is type(second))
    elif type(first) is type(second):
        assert (one == two) == (first == second)


@cases(st.binary(max_size=200))
def test_whatever_a_client_sends_is_a_message_or_an_rpc_error(data: bytes) -> None:
    code, read = outcome(lambda: decode(data))
    assert code in (0, -32700, -32600)
    assert read is None or sum((read.is_request, read.is_notification, read.is_answer)) == 1
    assert envelope.identifier(data)


@cases(JSON)
def test_whatever_json_a_client_sends_is_a_message_or_an_rpc_error(value: Any) -> None:
    code, _ = outcome(lambda: decode(json.dumps(value).encode()))
    assert code in (0, -32600)


@cases(st.binary(max_size=200))
def test_whatever_a_child_prints_is_a_message_or_none(line: bytes) -> None:
    read = decode_child(line)
    assert read is None or read.method is not None or read.is_answer


@pytest.mark.parametrize("text", ['{"jsonrpc":"2.0","id":1,"method":"a","params":{"x":"\\ud800"}}', '"\\ud800"'])
def test_a_lone_surrogate_is_refused(text: str) -> None:
    with pytest.raises(RpcError):
        decode(text.encode())


# Lines


@cases(
    lines=st.lists(st.binary(max_size=40).map(lambda line: line.replace(b"\n", b"")), max_size=8),
    cuts=st.lists(st.integers(1, 30), max_size=40),
)
def test_lines_come_out_whole_however_they_are_cut(lines: list[bytes], cuts: list[int]) -> None:
    stream = b"".join(line + b"\n" for line in lines)
    buffer = LineBuffer(1000)
    found: list[Any] = []
    for cut in cuts:
        found.extend(buffer.feed(stream[:cut]))
        stream = stream[cut:]
    found.extend(buffer.feed(stream))
    assert found == [line.strip() for line in lines if line.strip()]


@cases(size=st.integers(101, 5000), piece=st.integers(1, 700))
def test_a_line_that_is_too_long_is_dropped_and_the_next_is_not(size: int, piece: int) -> None:
    buffer = LineBuffer(100)
    stream = b'{"id":7,' + b"x" * size + b'}\n{"id":8}\n'
    found: list[Any] = []
    for start in range(0, len(stream), piece):
        found.extend(buffer.feed(stream[start : start + piece]))
    assert isinstance(found[0], LineTooLongError)
    assert found[0].edges.startswith(b'{"id":7,')
    assert len(found[0].edges) <= 2 * 1024 + 1
    assert found[1:] == [b'{"id":8}']


# Translation


def caller(modern: bool, **more: Any) -> Session:
    return Session(
        id="s",
        client="",
        revision=revisions.MODERN if modern else "2025-11-25",
        capabilities={"sampling": {}},
        client_info=Raw(b'{"name":"c","version":"1"}'),
        last_used=0.0,
        **more,
    )


def profile(modern: bool) -> Profile:
    return Profile(
        revision=revisions.MODERN if modern else "2025-11-25",
        capabilities={"tools": {"listChanged": True}, "logging": {}, "resources": {"subscribe": True}},
        server_info={"name": "srv", "version": "3"},
        instructions=None,
    )


ENVELOPE = {
    revisions.META_VERSION: revisions.MODERN,
    revisions.META_CLIENT_CAPABILITIES: {},
    revisions.META_CLIENT_INFO: {"name": "c", "version": "1"},
}


@cases(params=OBJECTS, meta=OBJECTS, token=st.none() | TEXT | st.integers(), modern=st.booleans(), child=st.booleans())
def test_params_keep_what_is_the_tools_and_change_what_is_the_protocols(
    params: dict[str, Any], meta: dict[str, Any], token: Any, modern: bool, child: bool
) -> None:
    meta = {key: value for key, value in meta.items() if not key.startswith(revisions.META_PREFIX)}
    meta.pop("progressToken", None)
    sent_meta = meta | (ENVELOPE if modern else {}) | ({} if token is None else {"progressToken": token})
    sent = {**params, "_meta": sent_meta}
    out, kept = translation.to_child(json.dumps(sent).encode(), caller(modern), child_modern=child, number=b"17")
    got = json.loads(out)
    got_meta = got.pop("_meta", {})
    params.pop("_meta", None)
    assert got == params
    assert (None if kept is None else json.loads(kept)) == token
    assert got_meta.pop("progressToken", None) == (None if token is None else 17)
    envelope_keys = {key for key in got_meta if key.startswith(revisions.META_PREFIX)}
    assert {key: value for key, value in got_meta.items() if key not in envelope_keys} == meta
    if child:
        assert got_meta[revisions.META_VERSION] == revisions.MODERN
        assert got_meta[revisions.META_CLIENT_INFO] == {"name": "c", "version": "1"}
    else:
        assert not envelope_keys


def test_a_progress_token_can_not_be_smuggled_past_in_an_escaped_name() -> None:
    params = b'{"_m\\u0065ta":{"progressToken":3}}'
    out, kept = translation.to_child(params, caller(False), child_modern=False, number=b"17")
    assert json.loads(out) == {"_meta": {"progressToken": 17}}
    assert kept == b"3"


@pytest.mark.parametrize(
    "method", sorted(method for method, version in methods.SERVER_RESULTS if version == "2026-07-28")
)
def test_lifted_results_are_what_the_official_types_call_valid(method: str) -> None:
    """The bridge answers discover and listen itself; every other method's empty-handed answer must validate."""
    empty = {
        "completion/complete": {"completion": {"values": []}},
        "prompts/get": {"messages": []},
        "prompts/list": {"prompts": []},
        "resources/list": {"resources": []},
        "resources/read": {"contents": []},
        "resources/templates/list": {"resourceTemplates": []},
        "tools/call": {"content": []},
        "tools/list": {"tools": []},
    }
    if method == "server/discover":
        lifted = json.loads(profile(False).discover_result())
    elif method == "subscriptions/listen":
        return
    else:
        lifted = json.loads(translation.lift(method, json.dumps(empty[method]).encode(), profile(False)))
        assert lifted["_meta"][revisions.META_SERVER_INFO] == {"name": "srv", "version": "3"}
    methods.validate_server_result(method, "2026-07-28", lifted)


@cases(result=OBJECTS, meta=st.none() | OBJECTS, method=st.sampled_from(["tools/call", "tools/list"]))
def test_a_result_lifted_and_lowered_is_the_same(result: dict[str, Any], meta: Any, method: str) -> None:
    for name in ("resultType", "ttlMs", "cacheScope", "_meta"):
        result.pop(name, None)
    if meta:
        meta.pop(revisions.META_SERVER_INFO, None)
    sent = {**result, **({"_meta": meta} if meta else {})}
    lifted = translation.lift(method, json.dumps(sent).encode(), profile(False))
    assert json.loads(lifted)["resultType"] == "complete"
    assert json.loads(translation.lower(lifted)) == sent


# The stateless revision's checks, against the official SDK's

HEADER_VALUES = st.sampled_from(
    ["2026-07-28", "2025-11-25", "tools/call", "tools/list", "echo", "=?base64?ZWNobw==?=", ""]
)


@cases(
    headers=st.dictionaries(st.sampled_from(["mcp-protocol-version", "mcp-method", "mcp-name"]), HEADER_VALUES),
    method=st.sampled_from(["tools/call", "tools/list", "resources/read"]),
    meta=st.none()
    | st.fixed_dictionaries(
        {},
        optional={
            revisions.META_VERSION: st.sampled_from(["2026-07-28", "2025-11-25"]),
            revisions.META_CLIENT_CAPABILITIES: st.just({}),
        },
    ),
    name=st.none() | st.sampled_from(["echo", "other"]),
)
def test_requests_are_admitted_as_the_official_server_admits_them(
    headers: dict[str, str], method: str, meta: Any, name: str | None
) -> None:
    params: dict[str, Any] = {} if meta is None else {"_meta": meta}
    if name is not None:
        params["uri" if method == "resources/read" else "name"] = name
    body = {"jsonrpc": "2.0", "id": 1, "method": method, "params": params}
    verdict = inbound.classify_inbound_request(body, headers=headers)
    expected = verdict.code if isinstance(verdict, inbound.InboundLadderRejection) else 0
    raw_headers = {key.encode(): value.encode() for key, value in headers.items()}
    code, _ = outcome(lambda: stateless.admit(decode(json.dumps(body).encode()), raw_headers, set(), ""))
    assert code == expected


@cases(st.text())
def test_header_values_are_read_as_the_official_client_writes_them(value: str) -> None:
    try:
        written = inbound.encode_header_value(value)
    except UnicodeEncodeError:
        return
    assert decode_header(written) == value


@cases(st.text(st.characters(codec="ascii"), max_size=20).map(lambda text: f"=?base64?{text}?="))
def test_odd_header_values_are_read_as_the_official_server_reads_them(value: str) -> None:
    if "\n" not in value:
        assert decode_header(value) == inbound.decode_header_value(value)


SCHEMA = {
    "type": "object",
    "properties": {
        "where": {"type": "string", "x-mcp-header": "Where"},
        "count": {"type": "integer", "x-mcp-header": "Count"},
        "deep": {"type": "object", "properties": {"flag": {"type": "boolean", "x-mcp-header": "Flag"}}},
    },
}
VALUES = st.sampled_from(["a", "1", "1.0", "true", "True", "=?base64?YQ==?=", "=?base64?!?=", ""])


@cases(
    arguments=st.fixed_dictionaries(
        {},
        optional={
            "where": st.sampled_from(["a", None, ""]),
            "count": st.sampled_from([1, 1.0, 2, None]),
            "deep": st.sampled_from([{"flag": True}, {}, None, 3]),
        },
    ),
    headers=st.dictionaries(st.sampled_from(["mcp-param-where", "mcp-param-count", "mcp-param-flag"]), VALUES),
)
def test_marked_arguments_are_checked_as_the_official_server_checks_them(
    arguments: Any, headers: dict[str, str]
) -> None:
    refused = inbound.validate_mcp_param_headers(SCHEMA, arguments, headers)
    raw_headers = {key.encode(): value.encode() for key, value in headers.items()}
    wanted = parameter_headers.tool_headers(SCHEMA)
    code, _ = outcome(lambda: parameter_headers.check(wanted, arguments, raw_headers, set()))
    assert code == (0 if refused is None else refused.code)


MARKED = st.fixed_dictionaries(
    {},
    optional={
        "type": st.sampled_from(["string", "integer", "number", "boolean"]),
        "x-mcp-header": st.sampled_from(["Where", "where", "", "a b", 7]),
    },
)


@cases(
    schema=st.recursive(
        MARKED,
        lambda inner: st.fixed_dictionaries(
            {},
            optional={
                "type": st.just("object"),
                "properties": st.dictionaries(st.sampled_from("abc"), inner, max_size=3),
                "items": inner,
                "anyOf": st.lists(inner, max_size=2),
                "$defs": st.dictionaries(st.sampled_from("abc"), inner, max_size=2),
                "default": inner,
            },
        ),
        max_leaves=6,
    )
)
def test_an_invalid_mark_makes_a_schema_ask_for_nothing(schema: Any) -> None:
    if inbound.find_invalid_x_mcp_header(schema) is not None:
        assert parameter_headers.tool_headers(schema) == ()
    else:
        wanted = {path: token.lower() for path, token in inbound.x_mcp_header_map(schema).items()}
        assert {path: token for path, token, _ in parameter_headers.tool_headers(schema)} == wanted


# Routing


class Recorder:
    """A client's request that remembers what it got."""

    def __init__(self) -> None:
        self.sent: list[Any] = []
        self.answer: Any = None

    def send(self, message: bytes) -> bool:
        self.sent.append(json.loads(message))
        return True

    def finish(self, message: bytes, code: int) -> None:
        assert self.answer is None
        self.answer = json.loads(message)


class Wiring:
    """A switchboard with a child that is a list, and a clock that is a number."""

    def __init__(self, child_modern: bool = False) -> None:
        self.lines: list[Any] = []
        self.now = 0.0
        self.settled: list[tuple[ClientCall, int]] = []
        self.delayed: list[Callable[[], None]] = []
        self.sessions = SessionTable()
        self.switchboard = Switchboard(
            self.sessions,
            settled=lambda call, code: self.settled.append((call, code)),
            list_changed=lambda _: None,
            later=lambda _, act: self.delayed.append(act),
        )
        self.link = Link(lambda line: self.lines.append(json.loads(line)), self.switchboard, lambda: self.now)
        self.link.profile = profile(child_modern)
        self.opened = 0

    def session(self, **capabilities: Any) -> Session:
        self.opened += 1
        return self.sessions.open(
            str(self.opened),
            client="",
            revision="2025-11-25",
            capabilities=capabilities,
            info=Raw(b'{"name":"c","version":"1"}'),
            now=0.0,
        )

    def request(self, session: Session, number: Any = 1, **params: Any) -> Recorder:
        exchange = Recorder()
        message = {"jsonrpc": "2.0", "id": number, "method": "tools/call", "params": {"name": "t", **params}}
        self.switchboard.request(self.link, session, decode(json.dumps(message).encode()), exchange)
        return exchange

    def heard(self, **message: Any) -> None:
        read = decode_child(json.dumps({"jsonrpc": "2.0", **message}).encode())
        assert read is not None
        self.link.heard(read)


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
    wiring.switchboard.cancel(wiring.link, call, "test")
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


def test_a_session_belongs_to_the_client_that_opened_it_and_expires() -> None:
    table = SessionTable(maximum=1, idle_seconds=10)
    session = table.open("a", client="codex", revision="2025-11-25", capabilities={}, info=Raw(), now=0)
    assert table.find("a", client="other", now=1) is None
    assert table.find("a", client="codex", now=5) is session
    with pytest.raises(RpcError):
        table.open("b", client="codex", revision="2025-11-25", capabilities={}, info=Raw(), now=0)
    assert table.expired(14) == []
    assert table.expired(16) == [session]


@cases(st.lists(st.text(min_size=1, max_size=20), min_size=1, max_size=4), st.text(), st.text())
def test_no_secret_value_survives_redaction(values: list[str], before: str, after: str) -> None:
    cleaned = Redactor(values).clean(before + "".join(values) + after)
    assert not [value for value in values if value in cleaned.replace("***", "") and "*" not in value]
