"""Who may come in."""

from typing import Any

import pytest

from bridge.tests.rig import HTTP, Bridge, bridge, open_session, post, server


@pytest.mark.parametrize("path", ["/", "/mc", "/mcp/x", "/health/x"])
def test_there_is_nothing_elsewhere(either_bridge: Bridge, path: str) -> None:
    assert HTTP.get(either_bridge.url + path).status_code == 404


@pytest.mark.parametrize("modern", [True, False])
def test_a_host_or_origin_from_elsewhere_is_refused(either_bridge: Bridge, modern: bool) -> None:
    session = {} if modern else open_session(either_bridge)
    elsewhere = post(either_bridge, "tools/list", modern=modern, headers={**session, "host": "evil.example"})
    assert elsewhere.status_code == 421
    for origin in ("http://evil.example", "null", "http://localhost.evil.example", "http://["):
        refused = post(either_bridge, "tools/list", modern=modern, headers={**session, "origin": origin})
        assert refused.status_code == 403, origin
    for origin in ("http://localhost:3000", "http://127.0.0.1:1"):
        allowed = post(either_bridge, "tools/list", modern=modern, headers={**session, "origin": origin})
        assert allowed.status_code == 200


def test_an_allowed_origin_may_call() -> None:
    with bridge(*server("session_era"), options=("--allow-origin", "https://app.example")) as running:
        running.wait_ready()
        headers = {"origin": "https://app.example"}
        assert post(running, "tools/list", modern=True, headers=headers).status_code == 200


def test_with_a_gateway_token_nobody_else_gets_in(tmp_path: Any) -> None:
    (tmp_path / "token").write_text("s3cret-gateway-token\n")
    options = ("--gateway-token-file", str(tmp_path / "token"), "--host", "127.0.0.1")
    with bridge(*server("session_era"), options=options) as running:
        running.wait_ready()
        assert post(running, "tools/list", modern=True).status_code == 401
        wrong = post(running, "tools/list", modern=True, headers={"x-mcp-gateway-token": "s3cret-gateway-toke"})
        assert wrong.status_code == 401
        right = {"x-mcp-gateway-token": "s3cret-gateway-token", "host": "time.fleet", "x-mcp-client": "codex"}
        assert post(running, "tools/list", modern=True, headers=right).status_code == 200
        params = {"protocolVersion": "2025-11-25", "capabilities": {}, "clientInfo": {"name": "t", "version": "1"}}
        session = {"mcp-session-id": post(running, "initialize", params, headers=right).headers["mcp-session-id"]}
        assert post(running, "tools/list", headers={**right, **session}).status_code == 200
        stolen = {**right, "x-mcp-client": "other", **session}
        assert post(running, "tools/list", headers=stolen).status_code == 404
        assert HTTP.get(f"{running.url}/health").status_code == 200
        assert not any("s3cret" in line for line in running.raw)
