"""Servers of the catalog as lines of a stack, with examples for all that they require."""

from typing import Any

from stacks.catalog import names, read_entry
from stacks.catalog_entry import Entry

from .deployment import Deployment

STARTING_ALONE = [
    name for name in names() if read_entry(name).package and read_entry(name).extension.starts_only_with is None
]
"""Those that need nothing else to start."""


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


def deploy(fleet: Deployment, entries: list[Entry]) -> None:
    """Give a stack such servers, `c-NAME` each, with their secrets."""
    fleet.config["servers"] = {f"c-{entry.label}": line(entry) for entry in entries}
    fleet.write()
    for entry in entries:
        for variable in entry.required_secrets:
            fleet.set_secret(f"secrets.c-{entry.label}.{variable}", example(entry, variable))
