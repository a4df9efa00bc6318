"""What the place of a stack's hosts must offer before anything is changed; a Docker host read and judged here."""

import hashlib
import json
import shutil
from collections.abc import Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import docker
from docker.context import ContextAPI
from docker.errors import APIError, DockerException
from requests.exceptions import RequestException

from .config import MEBIBYTE, StackConfig
from .problems import Problem

DEFAULT_ADDRESS = "unix:///var/run/docker.sock"
HOST_VARIABLE = "DOCKER_HOST"
CONTEXT_VARIABLE = "DOCKER_CONTEXT"
CERTIFICATES_VARIABLE = "DOCKER_CERT_PATH"
TIMEOUT_SECONDS = 10
START_ENGINE = "start Docker (`make engine` starts the project's own), or set DOCKER_HOST to one that runs"
JOIN_SWARM = "run `docker swarm init` there, or set DOCKER_HOST to a manager"


@dataclass(frozen=True, kw_only=True)
class HostFacts:
    """A Docker engine as found.

    Arguments:
        address: how it was reached; the Docker provider takes the same.
        unreachable: why it did not answer, or None.
        cpus, memory_bytes: its size.
        swarm_state: Docker's word for its part in a Swarm, "active" when it has one.
        manager: whether it is a manager.
        without_quorum: why its Swarm can't decide anything, or None.
    """

    address: str
    unreachable: str | None = None
    cpus: int = 0
    memory_bytes: int = 0
    swarm_state: str = "inactive"
    manager: bool = False
    without_quorum: str | None = None


def place_problems(config: StackConfig, engine: str, environment: Mapping[str, str]) -> Iterator[Problem]:
    """Yield what keeps the stack from running where `config` wants it.

    Arguments:
        engine: address of the Docker engine of a stack on this machine.
        environment: of this process.
    """
    if config.hosts == "local":
        yield from list(context_problems(environment)) or host_problems(config, read_host_facts(engine))
        return
    # Not at the top: a stack on this machine has no use for the SDK of AWS, which takes its time to import.
    from .aws_preflight import account_problems, read_account_facts

    region = config.hosts.aws.region
    yield from list(ssh_problems(environment)) or account_problems(config.hosts.aws, read_account_facts(region))


def engine_address(environment: Mapping[str, str]) -> str:
    """Return the address of the Docker engine as the docker command would choose it."""
    if address := environment.get(HOST_VARIABLE):
        return address
    if name := environment.get(CONTEXT_VARIABLE):
        return _address_of(name, environment) or DEFAULT_ADDRESS
    context = ContextAPI.get_current_context()
    return (context.Host if context else None) or DEFAULT_ADDRESS


def context_problems(environment: Mapping[str, str]) -> Iterator[Problem]:
    """Yield what leads the Docker provider, which heeds DOCKER_CONTEXT before the address it is given, elsewhere."""
    name = environment.get(CONTEXT_VARIABLE)
    if not name:
        return
    found = _address_of(name, environment)
    if found is None:
        yield Problem(message=f"{CONTEXT_VARIABLE} is set to {name!r}, and Docker has no such context; unset it")
    elif (address := environment.get(HOST_VARIABLE)) and address != found:
        yield Problem(
            message=f"{CONTEXT_VARIABLE} is set to {name!r}, whose engine is {found}, and {HOST_VARIABLE} to "
            f"{address}; unset the one that is not meant"
        )


def _address_of(context: str, environment: Mapping[str, str]) -> str | None:
    """Return the address of the engine of a Docker context, if there is such a context.

    Read by hand: docker-py looks for contexts only where there is a config.json as well.
    """
    if context == "default":
        return environment.get(HOST_VARIABLE) or DEFAULT_ADDRESS
    folder = Path(environment.get("DOCKER_CONFIG") or Path(environment.get("HOME", "/")) / ".docker")
    file = folder / "contexts/meta" / hashlib.sha256(context.encode()).hexdigest() / "meta.json"
    return str(json.loads(file.read_bytes())["Endpoints"]["docker"]["Host"]) if file.is_file() else None


def read_host_facts(address: str) -> HostFacts:
    """Ask the engine at `address`. What can't be found out is in the result; nothing is raised."""
    try:
        with closing(docker.DockerClient(base_url=address, timeout=TIMEOUT_SECONDS)) as client:
            info = client.info()
            swarm = info.get("Swarm", {})
            manager = bool(swarm.get("ControlAvailable"))
            return HostFacts(
                address=address,
                cpus=info["NCPU"],
                memory_bytes=info["MemTotal"],
                swarm_state=swarm.get("LocalNodeState", "inactive"),
                manager=manager,
                without_quorum=_without_quorum(client) if manager else None,
            )
    except (DockerException, RequestException) as error:
        return HostFacts(address=address, unreachable=_innermost(error))


def _without_quorum(client: docker.DockerClient) -> str | None:
    """Return why the Swarm can't decide: reading the nodes needs a leader."""
    try:
        client.nodes.list()
    except APIError as error:
        return str(error.explanation)
    return None


def _innermost(error: BaseException) -> str:
    """Return the text of the first cause: the outer ones repeat it with addresses of objects."""
    while error.__cause__ or error.__context__:
        error = error.__cause__ or error.__context__ or error
    return str(error)


def host_problems(config: StackConfig, facts: HostFacts) -> Iterator[Problem]:
    """Yield what keeps the host of `facts` from running `config`.

    A Swarm without a healthy manager is refused even where nothing changes: the Docker provider takes its errors for
    "not found", and a refresh would drop networks, secrets and configs from the state.
    """
    if facts.unreachable is not None:
        yield Problem(message=f"Docker does not answer at {facts.address} ({facts.unreachable}); {START_ENGINE}")
        return
    if facts.swarm_state != "active":
        yield Problem(message=f"Docker at {facts.address} is in no Swarm (it is {facts.swarm_state}); {JOIN_SWARM}")
    elif not facts.manager:
        yield Problem(message=f"Docker at {facts.address} is a worker of its Swarm, no manager; {JOIN_SWARM}")
    elif facts.without_quorum is not None:
        yield Problem(
            message=f"the Swarm of Docker at {facts.address} has no healthy manager ({facts.without_quorum}); "
            "bring its managers back before anything else"
        )
    yield from _limits(config, facts)


def ssh_problems(environment: Mapping[str, str]) -> Iterator[Problem]:
    """Yield what keeps this machine from reaching hosts in a cloud, whose Docker is reached by SSH."""
    for variable in (CONTEXT_VARIABLE, CERTIFICATES_VARIABLE):
        if environment.get(variable):
            yield Problem(
                message=f"{variable} is set to {environment[variable]!r}, and the provider would use that instead of "
                "the stack's hosts; unset it"
            )
    if shutil.which("ssh", path=environment.get("PATH")) is None:
        yield Problem(message="no `ssh` on PATH; install OpenSSH's client, which reaches the hosts' Docker")


def _limits(config: StackConfig, facts: HostFacts) -> Iterator[Problem]:
    for name, server in config.servers.items():
        if server.cpu > facts.cpus:
            yield Problem(
                path=("servers", name, "cpu"),
                message=f"{server.cpu:g} CPUs are more than the host's {facts.cpus}; lower it",
            )
        if server.memory > facts.memory_bytes:
            yield Problem(
                path=("servers", name, "memory"),
                message=f"{_size(server.memory)} is more than the host's {_size(facts.memory_bytes)}; lower it",
            )


def _size(memory_bytes: int) -> str:
    mebibytes = memory_bytes / MEBIBYTE
    return f"{mebibytes:.0f}M" if mebibytes < 1024 else f"{mebibytes / 1024:.1f}".removesuffix(".0") + "G"
