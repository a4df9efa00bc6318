"""The stateless revision, as a client sees it on the wire."""

import json
from typing import Any

import pytest

from bridge.tests.rig import HTTP, Bridge, post, text_of, tool


def test_results_of_an_older_server_have_what_the_stateless_revision_requires(session_bridge: Bridge) -> None:
    listed = post(session_bridge, "tools/list", modern=True).json()["result"]
    assert (listed["resultType"], listed["ttlMs"], listed["cacheScope"]) == ("complete", 0, "private")
    assert listed["_meta"]["io.modelcontextprotocol/serverInfo"]["name"] == "session-era"
    called = post(session_bridge, "tools/call", tool("echo", text="hi"), modern=True).json()["result"]
    assert called["resultType"] == "complete"
    assert "ttlMs" not in called


def test_an_older_server_sees_nothing_of_the_envelope(session_bridge: Bridge) -> None:
    params = {**tool("meta"), "_meta": {"mine": 1}}
    assert json.loads(text_of(post(session_bridge, "tools/call", params, modern=True))) == {"mine": 1}


@pytest.mark.parametrize(
    ("headers", "params", "code", "status"),
    [
        ({"mcp-method": "tools/call"}, {}, -32020, 400),
        ({"mcp-protocol-version": "2026-07-28", "mcp-method": ""}, {}, -32020, 400),
        ({"mcp-protocol-version": "2027-01-01"}, {}, -32020, 400),
        ({}, {"_meta": {"io.modelcontextprotocol/protocolVersion": "2025-11-25"}}, -32020, 400),
        (
            {"mcp-protocol-version": "2027-01-01"},
            {"_meta": {"io.modelcontextprotocol/protocolVersion": "2027-01-01"}},
            -32022,
            400,
        ),
        ({}, {"_meta": {"io.modelcontextprotocol/clientCapabilities": []}}, -32602, 400),
    ],
)
def test_headers_and_envelope_must_agree(
    either_bridge: Bridge, headers: dict[str, str], params: dict[str, Any], code: int, status: int
) -> None:
    refused = post(either_bridge, "tools/list", params, modern=True, headers=headers)
    assert (refused.json()["error"]["code"], refused.status_code) == (code, status)


def test_the_name_in_the_header_must_be_the_one_in_the_body(either_bridge: Bridge) -> None:
    wrong = post(either_bridge, "tools/call", tool("echo", text="x"), modern=True, headers={"mcp-name": "crash"})
    assert wrong.json()["error"]["code"] == -32020
    encoded = {"mcp-name": "=?base64?ZWNobw==?="}
    right = post(either_bridge, "tools/call", tool("echo", text="x"), modern=True, headers=encoded)
    assert text_of(right) == "x"


def test_a_marked_argument_must_be_repeated_in_its_header(modern_bridge: Bridge) -> None:
    call = tool("region", where="eu")
    assert post(modern_bridge, "tools/call", call, modern=True).json()["error"]["code"] == -32020
    wrong = post(modern_bridge, "tools/call", call, modern=True, headers={"mcp-param-region": "us"})
    assert wrong.json()["error"]["code"] == -32020
    right = post(modern_bridge, "tools/call", call, modern=True, headers={"mcp-param-region": "eu"})
    assert text_of(right) == "eu 1"


@pytest.mark.parametrize("method", ["initialize", "ping", "logging/setLevel", "resources/subscribe", "no/such"])
def test_methods_that_the_stateless_revision_lacks_are_not_found(either_bridge: Bridge, method: str) -> None:
    refused = post(either_bridge, method, modern=True)
    assert (refused.status_code, refused.json()["error"]["code"]) == (404, -32601)


@pytest.mark.parametrize("method", ["GET", "DELETE", "PUT"])
def test_the_stateless_revision_has_post_only(either_bridge: Bridge, method: str) -> None:
    headers = {"mcp-protocol-version": "2026-07-28", "accept": "text/event-stream"}
    refused = HTTP.request(method, either_bridge.mcp, headers=headers)
    assert (refused.status_code, refused.headers["allow"]) == (405, "POST")
