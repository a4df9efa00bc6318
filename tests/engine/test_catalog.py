"""Servers of the catalog as they are deployed: built, started, and asked for their tools through bridge and gateway."""

import json
from collections.abc import Callable
from typing import Any

import pytest

from stacks.catalog import read_entry
from stacks.catalog_entry import Entry

from .catalog_servers import STARTING_ALONE, deploy
from .deployment import Deployment

BATCH = 6
"""Servers that run at a time; `python -m bench.catalog` runs all of them at once."""

BATCHES = [STARTING_ALONE[first : first + BATCH] for first in range(0, len(STARTING_ALONE), BATCH)]


def tools(fleet: Deployment, entry: Entry) -> dict[str, dict[str, Any]]:
    """Return what a server says of its tools, by their names."""
    listed = json.loads(fleet.fleet("call", f"c-{entry.label}", "--list", "--json").stdout)
    return {tool["name"]: tool for tool in listed}


@pytest.mark.long
@pytest.mark.parametrize("names", BATCHES, ids="+".join)
def test_servers_of_the_catalog_start_and_list_their_tools(
    make_deployment: Callable[[str], Deployment], names: list[str]
) -> None:
    entries = [read_entry(name) for name in names]
    fleet = make_deployment("catalog")
    deploy(fleet, entries)
    fleet.up()
    try:
        listed = {entry.label: tools(fleet, entry) for entry in entries}
        assert [label for label, found in listed.items() if not found] == []
        for entry in entries:
            if (call := entry.extension.health_call) is not None:
                tool = listed[entry.label][call.tool]
                assert tool.get("annotations", {}).get("readOnlyHint", True), f"{call.tool} may change something"
                takes = tool["inputSchema"]
                assert takes.get("properties", {}).keys() >= call.arguments.keys() >= {*takes.get("required", ())}
    finally:
        fleet.destroy()
