"""Which secrets a stack's environments of Pulumi ESC hold, and since when: names and dates, never values."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from pydantic import ValidationError

from dev.environment import BACKEND_VARIABLE
from fleet.errors import FleetError
from fleet.stackfile import StackText

if TYPE_CHECKING:
    from stacks.config import StackConfig
    from stacks.esc_config import EscConfig

ORGANIZATION_VARIABLE = "PULUMI_ORGANIZATION"
"""Says in which organization the environments are that a stack names without it."""


@dataclass(frozen=True, kw_only=True)
class Held:
    """A secret that is set: in which place, and when it was last written, as far as that is known."""

    place: str
    changed: datetime | None


def places(text: StackText, config: "StackConfig", environment: Mapping[str, str]) -> "tuple[EscConfig, ...]":
    """The environments that hold secrets of a stack: those that Pulumi opens, then the one that the program opens.

    Raises:
        FleetError: it is not known in which organization they are, or one has no valid name.
    """
    own = (config.esc,) if config.esc else ()
    if text.environments and not environment.get(ORGANIZATION_VARIABLE):
        raise FleetError(
            f"{text.name} has `environment:`, and {ORGANIZATION_VARIABLE} is not set",
            hint="set it to the organization in Pulumi Cloud that has the environment",
        )
    return (*(_place(entry, environment) for entry in reversed(text.environments)), *own)


def read(place: "EscConfig", environment: Mapping[str, str], *, ages: bool) -> dict[tuple[str, str], Held]:
    """The secrets that an environment holds, by server and variable. Their values are forgotten at once.

    Raises:
        FleetError: it can't be opened.
    """
    # Not at the top: few stacks need ESC's SDK, which takes a second to import.
    from stacks.esc import Esc, EscError

    try:
        esc = Esc(place, environment)
        names = [(server, variable) for server, variables in esc.secrets().items() for variable in variables]
        changed = esc.changed() if ages else None
    except EscError as error:
        raise FleetError(str(error)) from None
    return {name: Held(place=place.name, changed=changed) for name in names}


def _place(entry: str, environment: Mapping[str, str]) -> "EscConfig":
    """The environment that an entry of `environment:` names: `project/name`, or `name` of project `default`."""
    from stacks.esc_config import PULUMI_CLOUD, EscConfig

    name, _, version = entry.partition("@")
    project, _, short = name.rpartition("/")
    backend = environment.get(BACKEND_VARIABLE, "")
    try:
        return EscConfig(
            organization=environment[ORGANIZATION_VARIABLE],
            project=project or "default",
            environment=short,
            version=version or None,
            api=backend if backend.startswith("http") else PULUMI_CLOUD,
        )
    except ValidationError:
        raise FleetError(
            f"{entry!r} under `environment:`, or {ORGANIZATION_VARIABLE}, has no form that ESC takes",
            hint="an environment is project/name, or project/name@version",
        ) from None
