"""How the servers and components of a stack are."""

from collections.abc import Mapping
from dataclasses import dataclass
from textwrap import shorten
from typing import Any

from fleet import project, stack_engine, swarm, tool_differences
from fleet.console import Cell, show_table
from fleet.options import DEFAULT_STACK
from fleet.outputs import Outputs
from fleet.swarm import Engine, Health, Service

STYLES = {Health.HEALTHY: "green", Health.STARTING: "yellow", Health.UNHEALTHY: "red", Health.MISSING: "red"}
UPDATES = {
    "updating": "an update is under way",
    "paused": "the last update was stopped",
    "rollback_started": "the last update never became healthy and is being rolled back",
    "rollback_paused": "the last update never became healthy, and neither did its rollback",
    "rollback_completed": "the last update never became healthy and was rolled back",
}
"""What is worth a note of a service's update status."""
NOTE_WIDTH = 80
"""Characters of a note at most; `fleet why` has all of it."""


@dataclass(frozen=True, kw_only=True)
class ServiceStatus:
    """One server or component. `url` is where clients reach a server; components have none."""

    name: str
    health: Health
    running: int
    desired: int
    url: str | None
    note: str

    @property
    def replicas(self) -> str:
        """How many replicas serve, of how many that should: `2/2`."""
        return f"{self.running}/{self.desired}"

    def to_json(self) -> dict[str, Any]:
        """As `fleet status --once` prints it."""
        return {"health": self.health, "url": self.url, "replicas": self.replicas, "note": self.note or None}


@dataclass(frozen=True, kw_only=True)
class StackStatus:
    """Everything that runs, or should run, in a stack, by name."""

    stack: str
    gateway: str | None
    servers: tuple[ServiceStatus, ...]
    components: tuple[ServiceStatus, ...]

    @property
    def healthy(self) -> bool:
        """Whether everything that should run is healthy."""
        return all(service.health is Health.HEALTHY for service in (*self.servers, *self.components))

    def to_json(self) -> dict[str, Any]:
        """As `fleet status --once` prints it."""
        return {
            "stack": self.stack,
            "gateway": self.gateway,
            "servers": {server.name: server.to_json() for server in self.servers},
            "components": {component.name: component.to_json() for component in self.components},
        }


def read(stack: str) -> StackStatus:
    """Ask Pulumi what should run and Docker what does.

    Raises:
        FleetError: either does not answer.
    """
    with stack_engine.opened(stack, project.directory(), project.environment()) as (api, exported):
        return observe(api, exported)


def observe(api: Engine, exported: Outputs) -> StackStatus:
    """Compare what a stack exports with what Docker runs of it."""
    services = swarm.read_services(api, exported.stack)
    found = {
        service.name: _status(service, exported.urls, tool_differences.sentence(tool_differences.read(api, service)))
        for service in services
        if service.kind == "server"
    }
    missing = {name: _missing(name, url) for name, url in exported.urls.items() if name not in found}
    return StackStatus(
        stack=exported.stack,
        gateway=exported.gateway,
        servers=tuple(server for _, server in sorted({**found, **missing}.items())),
        components=tuple(_status(service, {}, "") for service in services if service.kind != "server"),
    )


def show(status: StackStatus) -> None:
    """Print the table of `fleet status`, and of the end of `fleet up`, to stdout."""
    header = ("SERVER", "HEALTH", "REPLICAS", "URL")
    notes = any(service.note for service in (*status.servers, *status.components))
    rows = [_row(server, server.url or "", notes=notes) for server in status.servers]
    rows += [_row(component, "", notes=notes) for component in status.components]
    show_table((*header, "NOTE") if notes else header, rows)


def show_next(status: StackStatus) -> None:
    """Print three commands to try next, to stdout."""
    option = "" if status.stack == DEFAULT_STACK else f" --stack {status.stack}"
    names = [server.name for server in status.servers]
    server = "time" if "time" in names else next(iter(names), "NAME")
    print("\nNext:")
    rows = [
        (f"  bin/fleet call {server} --list{option}", "the tools of a server"),
        (f"  bin/fleet clients{option}", "configuration for Claude Code, Cursor, Codex …"),
        (f"  bin/fleet add pypi:NAME{option}", "one more server; `make up` runs it"),
    ]
    show_table((), [(command, Cell(what, "dim")) for command, what in rows])


def _row(service: ServiceStatus, url: str, *, notes: bool) -> tuple[str | Cell, ...]:
    row = (service.name, Cell(service.health, STYLES[service.health]), service.replicas, url)
    return (*row, service.note) if notes else row


def _status(service: Service, urls: Mapping[str, str], tools: str) -> ServiceStatus:
    note = UPDATES.get(service.update, "") or tools
    if service.health is Health.UNHEALTHY and service.failures:
        note = shorten(service.failures[0].error, NOTE_WIDTH, placeholder=" …") or note
    return ServiceStatus(
        name=service.name,
        health=service.health,
        running=service.running,
        desired=service.desired,
        url=urls.get(service.name),
        note=note,
    )


def _missing(name: str, url: str) -> ServiceStatus:
    note = "Docker has no service of it"
    return ServiceStatus(name=name, health=Health.MISSING, running=0, desired=1, url=url, note=note)
