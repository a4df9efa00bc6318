"""What Prometheus is told."""

import re

from bridge.tests.rig import HTTP, Bridge, post, tool


def test_calls_are_counted_by_the_tools_that_the_server_declares(session_bridge: Bridge) -> None:
    post(session_bridge, "tools/call", tool("echo", text="x"), modern=True)
    post(session_bridge, "tools/call", tool("made-up-by-a-client"), modern=True)
    page = HTTP.get(f"{session_bridge.url}/metrics")
    assert page.headers["content-type"].startswith("text/plain; version=0.0.4")
    assert re.search(r'mcp_requests_total\{method="tools/call",outcome="ok",server="[^"]+",tool="echo"\} \d', page.text)
    assert re.search(r'mcp_request_duration_seconds_count\{method="tools/call",server="[^"]+"\} \d', page.text)
    assert re.search(r'mcp_service_health\{server="[^"]+"\} 1.0', page.text)
    assert 'tool="other"' in page.text
    assert "made-up" not in page.text
