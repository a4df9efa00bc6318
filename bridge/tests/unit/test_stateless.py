"""The stateless revision's checks, against the official SDK's."""

import json
from typing import Any

from hypothesis import strategies as st
from mcp.shared import inbound
from mcp_bridge.core import parameter_headers, revisions, stateless
from mcp_bridge.core.envelope import decode
from mcp_bridge.core.header_values import decode_header

from bridge.tests.cases import cases
from bridge.tests.wiring import outcome

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
