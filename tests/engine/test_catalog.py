"""Servers of the catalog as they are deployed: built, started, and asked for their tools through bridge and gateway."""

import json
from collections.abc import Callable
from typing import Any

import pytest

from stacks.catalog import names, read_entry
from stacks.catalog_entry import Entry

from .deployment import Deployment

BATCH = 6
"""Servers that run at a time: all of them would need 20 GB."""

STARTING_ALONE = [
    name for name in names() if read_entry(name).package and read_entry(name).extension.starts_only_with is None
]
BATCHES = [STARTING_ALONE[first : first + BATCH] for first in range(0, len(STARTING_ALONE), BATCH)]


def example(entry: Entry, variable: str) -> str:
    """Return a value of a variable that nobody takes for a real one."""
    known = entry.variable(variable)
    return (known.placeholder if known else None) or "example"


def line(entry: Entry) -> dict[str, Any]:
    """Return a server's line with examples for the plain variables that it requires."""
    required = [each for each in entry.variables if each.is_required and not each.is_secret and each.default is None]
    env = {variable.name: example(entry, variable.name) for variable in required}
    # Importing takes long on a machine that also builds images.
    return {"source": f"catalog:{entry.label}", "env": env, "start-seconds": 240}


def tools(fleet: Deployment, entry: Entry) -> dict[str, dict[str, Any]]:
    """Return what a server says of its tools, by their names."""
    listed = json.loads(fleet.fleet("call", f"c-{entry.label}", "--list", "--json").stdout)
    return {tool["name"]: tool.get("annotations", {}) for tool in listed}


@pytest.mark.long
@pytest.mark.parametrize("names", BATCHES, ids="+".join)
def test_servers_of_the_catalog_start_and_list_their_tools(
    make_deployment: Callable[[str], Deployment], names: list[str]
) -> None:
    entries = [read_entry(name) for name in names]
    fleet = make_deployment("catalog")
    fleet.config["servers"] = {f"c-{entry.label}": line(entry) for entry in entries}
    fleet.write()
    for entry in entries:
        for variable in entry.required_secrets:
            fleet.set_secret(f"secrets.c-{entry.label}.{variable}", example(entry, variable))
    fleet.up()
    try:
        listed = {entry.label: tools(fleet, entry) for entry in entries}
        assert [label for label, found in listed.items() if not found] == []
        for entry in entries:
            if (call := entry.extension.health_call) is not None:
                says = listed[entry.label][call.tool]
                assert says.get("readOnlyHint", True), f"{entry.label}: {call.tool} may change something"
    finally:
        fleet.destroy()
