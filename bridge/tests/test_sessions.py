"""Sessions, as a client sees them on the wire."""

import pytest

from bridge.tests.rig import HTTP, Bridge, open_session, post, text_of, tool


def test_a_session_opens_serves_and_ends(either_bridge: Bridge) -> None:
    session = open_session(either_bridge)
    assert text_of(post(either_bridge, "tools/call", tool("echo", text="hi"), headers=session)) == "hi"
    gone = HTTP.delete(either_bridge.mcp, headers=session)
    assert gone.status_code == 200
    assert post(either_bridge, "tools/list", headers=session).status_code == 404


def test_a_request_without_a_session_or_with_another_is_refused(either_bridge: Bridge) -> None:
    assert post(either_bridge, "tools/list").status_code == 400
    unknown = post(either_bridge, "tools/list", headers={"mcp-session-id": "0" * 32})
    assert unknown.status_code == 404
    assert unknown.json()["error"]["code"] == -32600


@pytest.mark.parametrize("revision", ["2025-11-25", "2025-06-18", "2025-03-26"])
def test_a_client_gets_the_revision_it_asks_for(either_bridge: Bridge, revision: str) -> None:
    params = {"protocolVersion": revision, "capabilities": {}, "clientInfo": {"name": "t", "version": "1"}}
    assert post(either_bridge, "initialize", params).json()["result"]["protocolVersion"] == revision


def test_a_client_of_the_future_is_offered_the_newest_session_revision(either_bridge: Bridge) -> None:
    params = {"protocolVersion": "2031-01-01", "capabilities": {}, "clientInfo": {"name": "t", "version": "1"}}
    assert post(either_bridge, "initialize", params).json()["result"]["protocolVersion"] == "2025-11-25"


def test_an_unknown_revision_in_the_header_is_a_bad_request(either_bridge: Bridge) -> None:
    session = open_session(either_bridge)
    refused = post(either_bridge, "tools/list", headers={**session, "mcp-protocol-version": "1999-01-01"})
    assert refused.status_code == 400
    assert refused.json()["error"]["code"] == -32022
    assert refused.json()["error"]["data"]["requested"] == "1999-01-01"


def test_results_for_a_session_have_nothing_of_the_stateless_revision(modern_bridge: Bridge) -> None:
    session = open_session(modern_bridge)
    result = post(modern_bridge, "tools/list", headers=session).json()["result"]
    assert set(result) == {"tools"}
