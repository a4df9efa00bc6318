"""Machines by themselves, without an account: what a Swarm is made of."""

import secrets
import subprocess
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

from dev import commands, debian
from dev.cloud.first_start import File, FirstStart
from dev.cloud.machine import PACKAGES, POLL_SECONDS, START_SECONDS, Machine, make_key
from dev.cloud.network import Network, free_block
from dev.cloud.shell import run
from dev.errors import EngineError
from dev.progress import Steps

IMAGE = "sleep:1"
TUNNEL_PACKAGES = ("wireguard-go", "wireguard-tools", "sudo", "iputils-ping")
"""wg-quick falls back on wireguard-go where the kernel has no WireGuard."""
BLOCKS = [f"10.77.{third}.0/24" for third in range(10, 255)]
FIRST = 11
"""The last part of the first host's address."""


class SwarmHosts:
    """A network and the hosts in it, removed with everything in them by `close`.

    Arguments:
        folder: what is their disks.
        user: who may log in on them.
        files: what each of them is born with, by path.
    """

    def __init__(self, folder: Path, *, user: str = "root", files: Mapping[str, File] | None = None) -> None:
        self.folder = folder
        self._user, self._files = user, files or {}
        self.mark = secrets.token_hex(3)
        self.machines: list[Machine] = []
        make_key(folder / "key")
        self.private_key = (folder / "key").read_text()
        self._public_key = (folder / "key.pub").read_text()
        self.network = Network(f"swt{self.mark}", free_block(BLOCKS))
        self.network.make()

    def boot(self, *names: str, address: str = "") -> list[Machine]:
        """Start new hosts, each at an address of its own or at that of one that is dead; wait for their Docker."""
        booted = []
        for name in names:
            number = len(self.machines) + FIRST
            machine = Machine(
                id=f"swt{self.mark}-{number}",
                name=name,
                address=address or str(self.network.block[number]),
                folder=self.folder / str(number),
            )
            make_key(self.folder / f"{number}.key")
            host_key = (self.folder / f"{number}.key").read_text()
            machine.install(
                FirstStart(hostname=name, users={self._user: self._public_key}, host_key=host_key, files=self._files)
            )
            self.machines.append(machine)
            booted.append(machine)
            self._start(machine)
        give_image(booted, self.folder)
        return booted

    def restart(self, machine: Machine) -> None:
        """Start a host again that was killed, with the disk it had."""
        self._start(machine)
        machine.wait()

    def close(self) -> None:
        """Remove everything."""
        for machine in self.machines:
            machine.scrap()
        self.network.remove()

    def _start(self, machine: Machine) -> None:
        machine.start(self.network, [f"{machine.address}/{self.network.block.prefixlen}"])


def install(*more: str) -> None:
    """Have the programs in place that the hosts are made of, but start no sshd for the whole machine.

    Arguments:
        more: packages beside those that every host needs.

    Raises:
        EngineError: They are missing, and Debian would start them as services.
    """
    packages = [*PACKAGES, *more]
    if Path("/run/systemd/system").is_dir() and debian.missing(packages):
        missing = " ".join(debian.missing(packages))
        raise EngineError(
            f"needs {missing}, which Debian would start as services\n  install them: apt-get install {missing}"
        )
    with Steps() as steps, steps.step("hosts") as step:
        debian.ensure(packages, step)


def wait_leaderless(machine: Machine) -> None:
    """Wait until a manager has noticed that its Swarm has no leader any more, which takes an election's time.

    Raises:
        EngineError: It has one for too long.
    """
    deadline = time.monotonic() + START_SECONDS
    while commands.output(["docker", "--host", machine.docker, "node", "ls"]) is not None:
        if time.monotonic() > deadline:
            raise EngineError(f"the Swarm of {machine.name} still has a leader")
        time.sleep(POLL_SECONDS)


def give_image(machines: Sequence[Machine], folder: Path) -> None:
    """Give hosts, which reach no registry, an image of their machine's `sleep` and what that needs."""
    needed = subprocess.run(["ldd", "/bin/sleep"], capture_output=True, text=True, check=True).stdout
    libraries = [word for word in needed.split() if word.startswith("/")]
    archive = folder / "sleep.tar"
    run("tar", "--create", "--dereference", "--file", str(archive), "--absolute-names", "/bin/sleep", *libraries)
    for machine in machines:
        machine.wait()
        machine.command("import", str(archive), IMAGE)
