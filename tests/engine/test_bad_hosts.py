"""Hosts that are dead, never there, or full: what is said of them; and a destroy ends with nothing all the same."""

import contextlib
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from dev.cloud.hosts import SwarmHosts
from dev.cloud.machine import Machine

from .needs import NAMESPACES
from .swarm_stack import SwarmStack

pytestmark = [pytest.mark.long, NAMESPACES]


@pytest.fixture(scope="module")
def manager(hosts: SwarmHosts) -> Machine:
    """The last test kills it."""
    return hosts.boot("one")[0]


@pytest.fixture
def stack(
    hosts: SwarmHosts, manager: Machine, engine_environment: dict[str, str], tmp_path: Path
) -> Iterator[SwarmStack]:
    """A Swarm of one manager, whose machines go with the stack."""
    stack = SwarmStack(f"swarm-{hosts.mark}", tmp_path, engine_environment, hosts.private_key)
    stack.machines_go = True
    stack.hosts = {"one": (manager, {"role": "manager"})}
    yield stack
    assert stack.resources() == []


@contextlib.contextmanager
def full_disk(hosts: SwarmHosts, machine: Machine) -> Iterator[None]:
    """Restart a host with a small disk for Docker, and nothing free on it."""
    machine.kill()
    disk = machine.folder / "docker"
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=64m", "tmpfs", str(disk)], check=True)
    try:
        hosts.restart(machine)
        with contextlib.suppress(OSError), (disk / "filled").open("wb", buffering=0) as file:
            while True:
                file.write(b"\0" * 4096)
        yield
    finally:
        machine.kill()
        subprocess.run(["umount", "--lazy", str(disk)], check=True)


def test_a_full_disk_is_told_and_the_next_run_goes_on(stack: SwarmStack, hosts: SwarmHosts) -> None:
    (full,) = hosts.boot("full")
    stack.hosts["full"] = (full, {"role": "worker"})
    with full_disk(hosts, full):
        said = stack.refused(stack.stack.up)
        assert "no space left on device" in said
        assert "its disk is full: run `docker system prune --all` there, or give the machine a larger disk" in said
        assert "Traceback" not in said
        assert "one" in stack.known()
        (full.folder / "docker" / "filled").unlink()
        stack.up()
        assert {"one", "full"} <= stack.known()
        stack.destroy()


def test_a_node_that_never_joined_does_not_keep_a_destroy(
    stack: SwarmStack, hosts: SwarmHosts, manager: Machine
) -> None:
    ghost = Machine(id="ghost", name="ghost", address=str(hosts.network.block[250]), folder=manager.folder)
    stack.hosts["ghost"] = (ghost, {"role": "worker"})
    stack.ready_seconds = 5
    said = stack.refused(stack.stack.up)
    assert f"root@{ghost.address}:22: no answer by SSH" in said
    assert "check that the host runs, and that its firewall lets this machine in" in said
    assert "Traceback" not in said
    assert "ghost" not in stack.known()
    stack.destroy()


def test_dead_hosts_do_not_keep_a_destroy(stack: SwarmStack, manager: Machine) -> None:
    """The last in this file."""
    stack.docker = manager.docker
    workspace = stack.stack.workspace
    workspace.env_vars = {name: value for name, value in workspace.env_vars.items() if name != "DOCKER_CONTEXT"}
    stack.up()
    assert {"one", "network"} <= stack.known()
    manager.kill()
    stack.destroy()
