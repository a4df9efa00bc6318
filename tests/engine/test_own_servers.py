"""Servers of our own as the catalog deploys them."""

import json
from collections.abc import Callable

import pytest

from .deployment import Deployment

METRICS = "import urllib.request; print(urllib.request.urlopen('http://127.0.0.1:8080/metrics').read().decode())"
STANDARD = "# Python\n\nTypes everywhere.\n"


@pytest.mark.long
def test_our_own_servers_of_the_catalog_are_deployed_and_answer(make_deployment: Callable[[str], Deployment]) -> None:
    fleet = make_deployment("own")
    files = {"source": "catalog:standards", "files": {"/standards/python.md": STANDARD}}
    fleet.config["servers"] = {
        "costar": "catalog:costar",
        "standards": {**files, "env": {"MCP_STANDARDS_FOLDER": "/standards"}},
    }
    fleet.up()
    try:
        review = fleet.fleet("call", "costar", "review_prompt", '{"prompt": "Tone: sober"}', "--json")
        assert [part["part"] for part in json.loads(review.stdout)["parts"] if part["present"]] == ["tone"]
        read = fleet.fleet("call", "standards", "read_document", '{"path": "python.md"}', "--json")
        assert json.loads(read.stdout)["text"] == STANDARD.rstrip("\n")
        assert '"healthy"' in fleet.fleet("call", "standards", "health", "--json").stdout
        outside = fleet.fleet("call", "standards", "read_document", '{"path": "../etc/passwd"}', check=False)
        assert outside.returncode == 1
        assert "There is no document '../etc/passwd'" in outside.stderr
        (container,) = fleet.containers("standards")
        assert 'mcp_component_health{component="documents"} 1.0' in fleet.run_in(container, METRICS)
    finally:
        fleet.destroy()
