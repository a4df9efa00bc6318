"""Servers of the catalog as they are deployed: built, started, and asked for their tools through bridge and gateway."""

import json
from collections.abc import Callable
from typing import Any

import pytest

from fleet import stackfile
from stacks import recorded_tools
from stacks.catalog import read_entry
from stacks.catalog_entry import Entry

from .catalog_servers import STARTING_ALONE, deploy
from .deployment import ROOT, Deployment

BATCH = 6
"""Servers that run at a time; `python -m bench.catalog` runs all of them at once."""

BATCHES = [STARTING_ALONE[first : first + BATCH] for first in range(0, len(STARTING_ALONE), BATCH)]


def tools(fleet: Deployment, entry: Entry) -> dict[str, dict[str, Any]]:
    """Return what a server says of its tools, by their names."""
    listed = json.loads(fleet.fleet("call", f"c-{entry.label}", "--list", "--json").stdout)
    return {tool["name"]: tool for tool in listed}


def recorded_names() -> dict[str, set[str]]:
    """Return the tools that tools.lock.json has for servers of the migration stack, by their entries."""
    lock = recorded_tools.read(ROOT)
    config = stackfile.read_config(stackfile.read(ROOT / "Pulumi.migration.yaml"), "migration")
    known = {
        server.entry.label: lock.surface(name, recorded_tools.line(server))
        for name, server in config.servers.items()
        if server.entry is not None
    }
    return {label: set(surface.tools) for label, surface in known.items() if surface is not None}


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
        recorded = recorded_names()
        assert {label: {*found} ^ recorded[label] for label, found in listed.items() if label in recorded} == {
            label: set() for label in listed if label in recorded
        }
        for entry in entries:
            if (call := entry.extension.health_call) is not None:
                tool = listed[entry.label][call.tool]
                assert tool.get("annotations", {}).get("readOnlyHint", True), f"{call.tool} may change something"
                takes = tool["inputSchema"]
                assert takes.get("properties", {}).keys() >= call.arguments.keys() >= {*takes.get("required", ())}
    finally:
        fleet.destroy()
