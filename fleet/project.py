"""Which project a command works on, and the names of the stack's file and servers in it."""

import os
from collections.abc import Mapping
from pathlib import Path

from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError

from dev.home import PROJECT
from fleet.errors import FleetError

PROJECT_FILE = "Pulumi.yaml"
CHECKOUT = Path(__file__).resolve().parent.parent


def directory() -> Path:
    """The nearest folder, from the working directory upwards, with our Pulumi.yaml; else this checkout."""
    for folder in (here := Path.cwd(), *here.parents):
        file = folder / PROJECT_FILE
        if file.is_file() and f"name: {PROJECT}" in file.read_text().splitlines():
            return folder
    return CHECKOUT


def stack_file(project: Path, stack: str) -> Path:
    """The configuration of a stack."""
    return project / f"Pulumi.{stack}.yaml"


def stacks(project: Path) -> list[str]:
    """The stacks that have a file in the project."""
    names = (file.name.removeprefix("Pulumi.").removesuffix(".yaml") for file in project.glob("Pulumi.*.yaml"))
    return sorted(names)


def servers_in(file: Path) -> list[str]:
    """The names of the servers in a stack's file, for completion: none where it can't be read."""
    return _keys(file, f"{PROJECT}:servers")


def clients_in(file: Path) -> list[str]:
    """The names of the clients in a stack's file, for completion: none where it can't be read."""
    return _keys(file, f"{PROJECT}:clients")


def environment() -> dict[str, str]:
    """Our own environment with what `fleet env` prints on top: PATH, engine, state, passphrase."""
    from dev.environment import environment as engine

    return {**os.environ, **engine(), "PULUMI_SKIP_UPDATE_CHECK": "true"}


def setting(values: Mapping[str, str], name: str) -> str | None:
    """A variable of an environment; None where it is missing or empty."""
    return values.get(name) or None


def _keys(file: Path, key: str) -> list[str]:
    try:
        document = YAML(typ="safe").load(file)
        return sorted(document["config"][key])
    except (OSError, YAMLError, KeyError, TypeError):
        return []


def existing_stack_file(project: Path, stack: str) -> Path:
    """The configuration of a stack. Raises FleetError where it has none."""
    file = stack_file(project, stack)
    if not file.is_file():
        known = ", ".join(stacks(project)) or "none"
        raise FleetError(
            f"stack {stack!r} has no {file.name} in {project}",
            hint=f"stacks here: {known}; choose one with --stack, or make one with `pulumi stack init {stack}`",
        )
    return file
