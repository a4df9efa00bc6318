"""A server of one's own, from nothing to an answered call."""

import json
import time
from collections.abc import Callable

import pytest

from .deployment import Deployment

TIME = "pypi:mcp-server-time@2026.10.19"


@pytest.mark.long
def test_a_new_server_is_deployed_and_answers(make_deployment: Callable[[str], Deployment]) -> None:
    fleet = make_deployment("new")
    fleet.config["servers"] = {"time": TIME}
    fleet.up()
    try:
        began = time.monotonic()
        fleet.fleet("new", "pulse", "--stack", fleet.name)
        made = time.monotonic()
        fleet.stack.up(on_output=print, color="never")
        up = time.monotonic()
        answer = fleet.fleet("call", "pulse", "count_words", '{"text": "to be or not to be"}', "--json")
        answered = time.monotonic()
        print(f"made in {made - began:.1f} s, up in {up - made:.1f} s, answered in {answered - up:.1f} s")
        assert json.loads(answer.stdout)["words"] == 6
        health = json.loads(fleet.fleet("call", "pulse", "health", "--json").stdout)
        assert (health["server"], health["status"]) == ("pulse", "healthy")
    finally:
        fleet.destroy()
