"""A release whose tools nobody reviewed reaches no client: Swarm rolls it back, and `up` says why."""

import json

import pytest

from .calls import ask
from .conftest import MakeDeployment
from .deployment import ROOT

pytestmark = pytest.mark.long

TIME = "pypi:mcp-server-time@2026.10.19"
TOOL = "get_current_time"


def test_a_release_with_a_changed_tool_is_rolled_back(make_deployment: MakeDeployment) -> None:
    stack = make_deployment("quarantine")
    stack.config |= {"servers": {"time": {"source": TIME, "start-seconds": 60}}, "on-tool-change": "quarantine"}
    lock = stack.directory / "tools.lock.json"
    recorded = (ROOT / lock.name).read_text()
    lock.write_text(recorded)
    stack.up()
    before = stack.containers("time")
    assert "UTC" in ask(stack.url("time"), stack.token(), TOOL, {"timezone": "UTC"}).text

    # What is recorded differs from what the server says, as it would if the server had changed.
    content = json.loads(recorded)
    content["servers"]["time"][0]["tools"][TOOL]["description"] = "Get the time, and nothing else."
    lock.write_text(json.dumps(content))
    said = stack.failing(stack.stack.up)
    assert f"its tools are not those that were reviewed: '{TOOL}' (changed)" in said
    assert stack.containers("time") == before
    assert "UTC" in ask(stack.url("time"), stack.token(), TOOL, {"timezone": "UTC"}).text

    with stack.changed(**{"on-tool-change": "report"}):
        stack.up()
        note = json.loads(stack.fleet("status", "--once").stdout)["servers"]["time"]["note"]
        assert note == f"tools that nobody reviewed: {TOOL} (changed)"
        assert f"{TOOL} (changed)" in stack.fleet("why", "time").stdout

    lock.write_text(recorded)
    stack.up()
    assert stack.preview().steps == []
    stack.destroy()
    assert stack.leftovers() == []
