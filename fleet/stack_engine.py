"""The Docker API that knows a stack's services: this machine's, or that of a manager in a cloud, by SSH."""

from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import cast

from fleet import outputs, project, stackfile, swarm
from fleet.errors import FleetError
from fleet.outputs import Outputs
from fleet.swarm import Engine
from stacks.managers import Managers


@contextmanager
def opened(stack: str, root: Path, environment: Mapping[str, str]) -> Iterator[tuple[Engine, Outputs]]:
    """Connect to the Docker of a stack; return that and what the stack exports.

    Args:
        root: the project's folder.
        environment: of the command; its DOCKER_HOST counts for a stack of this machine alone.

    Raises:
        FleetError: Pulumi or Docker does not answer.
    """
    elsewhere = stackfile.runs_elsewhere(project.stack_file(root, stack))
    exported = outputs.read(stack, root, environment, secrets=elsewhere)
    with ExitStack() as ways:
        if not elsewhere:
            yield ways.enter_context(swarm.connected(environment)), exported
        elif exported.managers is None:
            raise FleetError(f"stack {stack!r} has no managers that could be asked", hint=f"`pulumi up -s {stack}`")
        else:
            yield _first_that_answers(exported.managers, ways), exported


def _first_that_answers(managers: Managers, ways: ExitStack) -> Engine:
    from components.providers.ssh_docker import HostError, SshHost, docker_over_ssh

    silent: list[str] = []
    for manager in managers.hosts:
        host = SshHost(address=manager.address, user=manager.user, host_key=manager.host_key)
        try:
            way = ways.enter_context(docker_over_ssh(host, managers.private_key))
        except HostError as error:
            silent.append(str(error))
        else:
            return cast("Engine", way.api)
    raise FleetError("no manager answers:\n" + "\n".join(silent), hint="`pulumi up --refresh` replaces lost machines")
