"""Brings up the environment of a pull request, and takes it down: a stack of its own with the servers that changed."""

import socket
import subprocess
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from docker.errors import DockerException
from ruamel.yaml import YAML

from fleet import comparison, deployment, environment_plan, outputs, pulumi_cli, stackfile
from fleet.environment_plan import stack_name
from fleet.errors import FleetError
from fleet.git_base import Base
from fleet.project import existing_stack_file, stack_file
from fleet.swarm import STACK_LABEL, connected

TEMPLATE = "pull-request.template.yaml"
SECONDS = 120
"""How long Pulumi may take for a stack's entry in the state."""
NO_STACK = "no stack named"


@dataclass(frozen=True, kw_only=True)
class Machine:
    """Where environments are: a project, the whole environment of commands, and the machine's name for its clients."""

    project: Path
    environment: Mapping[str, str]
    host: str


def up(number: int, like: str, base: Base, machine: Machine) -> Mapping[str, str]:
    """Have the environment of a pull request with the servers that it changes, and no others.

    Args:
        like: the stack whose servers they are.
        base: what they are compared with.

    Returns:
        The URL of each server; nothing where none changed, and so there is no environment.

    Raises:
        FleetError: a file won't do, another stack has its ports, or the stack can't be brought up.
    """
    project, stack = machine.project, stack_name(number)
    text = stackfile.read(existing_stack_file(project, like))
    config = stackfile.read_config(text, like)
    servers = environment_plan.changed_servers(comparison.config_in(base, like), config, base.changed)
    if not servers:
        down(number, machine)
        return {}
    _check_ports(number, machine)
    file = stack_file(project, stack)
    present = stackfile.read(file) if file.is_file() else None
    document = environment_plan.stack_document(number, _template(project), text, servers, present)
    YAML().dump(document, file)
    stackfile.checked(stackfile.read(file), stack, project)
    if not _exists(stack, machine):
        _pulumi("init", "--no-select", stack, machine=machine)
    try:
        deployment.up(stack, project, machine.environment)
    except FleetError as error:
        raise FleetError(
            f"the environment of pull request {number} was not brought up: {error}",
            hint=f"{error.hint}; `fleet environment down {number}` removes what there is of it",
        ) from error
    urls = outputs.read(stack, project, machine.environment).urls
    return {name: url.replace("//localhost:", f"//{machine.host}:", 1) for name, url in sorted(urls.items())}


def down(number: int, machine: Machine) -> bool:
    """Destroy the environment of a pull request and forget it. Returns whether there was one.

    Its code is not needed for that, nor its file: both may be gone with the pull request.

    Raises:
        FleetError: it can't be destroyed.
    """
    stack = stack_name(number)
    if not _exists(stack, machine):
        stack_file(machine.project, stack).unlink(missing_ok=True)
        return False
    without_program = {**machine.environment, "PULUMI_RUN_PROGRAM": "false"}
    deployment.destroy(stack, machine.project, without_program)
    _pulumi("rm", "--yes", stack, machine=machine)
    stack_file(machine.project, stack).unlink(missing_ok=True)
    return True


def _template(project: Path) -> stackfile.StackText:
    file = project / TEMPLATE
    if not file.is_file():
        raise FleetError(f"there is no {TEMPLATE} in {project}", hint="restore it: `git checkout`")
    return stackfile.read(file)


def _check_ports(number: int, machine: Machine) -> None:
    """Refuse ports that something else has."""
    stack = stack_name(number)
    wanted = frozenset(environment_plan.ports(number).values())
    with connected(machine.environment) as api:
        try:
            services = api.services(filters={})
        except (DockerException, OSError) as error:
            raise FleetError(f"Docker does not answer: {error}", hint="`fleet engine` starts it") from error
    owners = {
        port["PublishedPort"]: service["Spec"]["Labels"].get(STACK_LABEL, service["Spec"]["Name"])
        for service in services
        for port in (service["Spec"].get("EndpointSpec") or {}).get("Ports") or ()
        if "PublishedPort" in port
    }
    for port in sorted(wanted):
        owner = owners.get(port)
        if owner == stack:
            continue
        if owner is not None:
            raise FleetError(
                f"port {port} of pull request {number} is used by {owner!r}",
                hint=f"numbers that are {environment_plan.NUMBERS} apart share their ports: destroy one of the two",
            )
        if _listens(port):
            raise FleetError(
                f"port {port} of pull request {number} is used by a program on this machine",
                hint=f"stop it: `ss -ltnp sport = :{port}` names it",
            )


def _listens(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("0.0.0.0", port))  # noqa: S104 - as Docker will
        except OSError:
            return True
    return False


def _exists(stack: str, machine: Machine) -> bool:
    asked = _run("--show-name", "--stack", stack, machine=machine)
    if asked.returncode != 0 and NO_STACK not in asked.stderr:
        raise _failed(asked)
    return asked.returncode == 0


def _pulumi(*arguments: str, machine: Machine) -> None:
    done = _run(*arguments, machine=machine)
    if done.returncode != 0:
        raise _failed(done)


def _run(*arguments: str, machine: Machine) -> "subprocess.CompletedProcess[str]":
    try:
        return pulumi_cli.ask(
            "stack", *arguments, project=machine.project, environment=machine.environment, seconds=SECONDS
        )
    except subprocess.TimeoutExpired as error:
        raise FleetError(f"`{_words(error.cmd)}` did not answer within {SECONDS} s", hint="try again") from None


def _failed(done: "subprocess.CompletedProcess[str]") -> FleetError:
    lines = [line.strip() for line in done.stderr.splitlines() if line.strip()]
    reason = lines[-1].removeprefix("error: ") if lines else "failed without a word"
    return FleetError(f"`{_words(done.args)}`: {reason}")


def _words(command: Iterable[str]) -> str:
    return " ".join(command)
