"""Hosts as production has them, on one machine: each a network with its own sshd and Docker.

A host is a process in network, mount, process and host-name namespaces of its own; all that it starts ends with it, and
its mounts and interfaces go with it. Its Docker shares nothing with the machine's but the kernel.
"""

import contextlib
import os
import secrets
import shutil
import signal
import subprocess
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from components.providers.ssh_docker import SshHost
from dev import commands, debian
from dev.progress import Steps

PACKAGES = ("docker.io", "runc", "iptables", "iproute2", "openssh-server", "openssh-client")
START_SECONDS = 60.0
IMAGE = "sleep:1"


@dataclass
class Machine:
    """One host.

    Attributes:
        id: what tells it from every other that had or will have its name or address.
        name: its host name.
        address: on the network of all hosts.
        folder: what is its disk.
    """

    id: str
    name: str
    address: str
    folder: Path
    _process: "subprocess.Popen[bytes] | None" = field(default=None, repr=False)

    @property
    def docker(self) -> str:
        """The address of its Docker, for looking at it without SSH."""
        return f"unix://{self.folder}/docker.sock"

    @property
    def ssh(self) -> SshHost:
        """Its sshd."""
        return SshHost(address=self.address, host_key=(self.folder / "host_key.pub").read_text())

    @property
    def process(self) -> "subprocess.Popen[bytes]":
        assert self._process is not None, "it was started"
        return self._process

    def command(self, *arguments: str) -> str:
        """Run docker on it, and return what it says."""
        done = subprocess.run(
            ["docker", "--host", self.docker, *arguments], capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stderr
        return done.stdout.strip()

    def start(self, bridge: str, gateway: str, public_key: str) -> None:
        """Boot it."""
        self.folder.mkdir(parents=True, exist_ok=True)
        if not (self.folder / "host_key").exists():
            make_key(self.folder / "host_key")
        (self.folder / "authorized_keys").write_text(public_key)
        (self.folder / "sshd_config").write_text(
            "\n".join(
                [
                    f"ListenAddress {self.address}:22",
                    f"HostKey {self.folder}/host_key",
                    f"AuthorizedKeysFile {self.folder}/authorized_keys",
                    f"PidFile {self.folder}/sshd.pid",
                    f"SetEnv DOCKER_HOST={self.docker}",
                    "StrictModes no",
                    "PasswordAuthentication no",
                    "",
                ]
            )
        )
        # The interface comes from outside, once the namespace exists; then its Docker starts.
        (self.folder / "boot").write_text(
            f"""set -e
hostname {self.name}
ip link set lo up
until ip link show eth0 >/dev/null 2>&1; do sleep 0.05; done
ip address add {self.address}/24 dev eth0
ip link set eth0 up
ip route add default via {gateway}
mkdir -p /run/sshd
/usr/sbin/sshd -f {self.folder}/sshd_config -E {self.folder}/sshd.log
exec dockerd --host {self.docker} --data-root {self.folder}/data --exec-root {self.folder}/exec \\
    --pidfile {self.folder}/docker.pid --bridge none --cgroup-parent {self.id} \\
    --containerd-namespace {self.id} --containerd-plugins-namespace {self.id}-plugins
"""
        )
        namespaces = ["--net", "--mount", "--uts", "--ipc", "--pid", "--fork", "--kill-child", "--mount-proc"]
        with (self.folder / "log").open("ab") as log:
            self._process = subprocess.Popen(
                ["setpriv", "--pdeathsig", "KILL", "unshare", *namespaces, "sh", str(self.folder / "boot")],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        inside = self._inside()
        pair = f"sw{secrets.token_hex(4)}"
        run("ip", "link", "add", pair, "type", "veth", "peer", "name", "eth0", "netns", str(inside))
        run("ip", "link", "set", pair, "master", bridge, "up")

    def wait(self) -> None:
        """Wait until its Docker answers."""
        deadline = time.monotonic() + START_SECONDS
        while commands.output(["docker", "--host", self.docker, "version"]) is None:
            assert time.monotonic() < deadline, (self.folder / "log").read_text()[-2000:]
            time.sleep(0.2)

    def wait_leaderless(self) -> None:
        """Wait until it has noticed that its Swarm has no leader any more, which takes an election's time."""
        deadline = time.monotonic() + START_SECONDS
        while commands.output(["docker", "--host", self.docker, "node", "ls"]) is not None:
            assert time.monotonic() < deadline, "the Swarm still has a leader"
            time.sleep(0.2)

    def kill(self) -> None:
        """Pull its plug."""
        if self._process is None:
            return
        self._process.send_signal(signal.SIGKILL)
        self._process.wait()
        self._process = None

    def _inside(self) -> int:
        """The first process in its namespaces, as the machine numbers it."""
        children = Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children")
        deadline = time.monotonic() + START_SECONDS
        while not (found := children.read_text().split()):
            assert time.monotonic() < deadline, "unshare started nothing"
            time.sleep(0.01)
        return int(found[0])


class SwarmHosts:
    """A network and the hosts in it, removed with everything in them by `close`."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.mark = secrets.token_hex(3)
        self.bridge = f"swt{self.mark}"
        self.machines: list[Machine] = []
        make_key(folder / "key")
        self.private_key = (folder / "key").read_text()
        self._public_key = (folder / "key.pub").read_text()
        self._rule = ["FORWARD", "-i", self.bridge, "-o", self.bridge, "-j", "ACCEPT"]
        taken = commands.output(["ip", "-4", "route"]) or ""
        self._network = next(f"10.77.{third}" for third in range(10, 255) if f"10.77.{third}." not in taken)
        run("ip", "link", "add", "name", self.bridge, "type", "bridge")
        run("ip", "address", "add", f"{self._network}.1/24", "dev", self.bridge)
        run("ip", "link", "set", self.bridge, "up")
        run("iptables", "--wait", "-I", *self._rule)

    def boot(self, *names: str, address: str = "") -> list[Machine]:
        """Start new hosts, each at an address of its own or at that of one that is dead; wait for their Docker."""
        booted = []
        for name in names:
            number = len(self.machines) + 11
            machine = Machine(
                id=f"swt{self.mark}-{number}",
                name=name,
                address=address or f"{self._network}.{number}",
                folder=self.folder / str(number),
            )
            self.machines.append(machine)
            booted.append(machine)
            machine.start(self.bridge, f"{self._network}.1", self._public_key)
        give_image(booted, self.folder)
        return booted

    def restart(self, machine: Machine) -> None:
        """Start a host again that was killed, with the disk it had."""
        (machine.folder / "docker.pid").unlink(missing_ok=True)
        shutil.rmtree(machine.folder / "exec", ignore_errors=True)
        machine.start(self.bridge, f"{self._network}.1", self._public_key)
        machine.wait()

    def close(self) -> None:
        """Remove everything."""
        for machine in self.machines:
            with contextlib.suppress(OSError):
                machine.kill()
        run("iptables", "--wait", "-D", *self._rule)
        run("ip", "link", "delete", self.bridge)
        for machine in self.machines:
            shutil.rmtree(machine.folder, ignore_errors=True)
            remove_cgroups(machine.id)


def install() -> None:
    """Have the programs in place that the hosts are made of, but start no sshd for the whole machine."""
    if Path("/run/systemd/system").is_dir() and debian.missing(PACKAGES):
        pytest.skip(f"needs {', '.join(debian.missing(PACKAGES))}, which Debian would start as services: install them")
    with Steps() as steps, steps.step("hosts") as step:
        debian.ensure(PACKAGES, step)


def make_key(path: Path) -> None:
    """Make an SSH key pair."""
    run("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "", "-f", str(path))


def remove_cgroups(name: str) -> None:
    """Remove the empty cgroups that a killed Docker leaves, deepest first."""
    for found in Path("/sys/fs/cgroup").glob(f"**/{name}"):
        for folder, _, _ in os.walk(found, topdown=False):
            with contextlib.suppress(OSError):
                Path(folder).rmdir()


def run(*arguments: str) -> None:
    """Run a command that must succeed."""
    done: subprocess.CompletedProcess[str] = subprocess.run(arguments, capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"{' '.join(arguments)}: {done.stderr}"


def give_image(machines: Sequence[Machine], folder: Path) -> None:
    """Give hosts, which reach no registry, an image of their machine's `sleep` and what that needs."""
    needed = subprocess.run(["ldd", "/bin/sleep"], capture_output=True, text=True, check=True).stdout
    libraries = [word for word in needed.split() if word.startswith("/")]
    archive = folder / "sleep.tar"
    run("tar", "--create", "--dereference", "--file", str(archive), "--absolute-names", "/bin/sleep", *libraries)
    for machine in machines:
        machine.wait()
        machine.command("import", str(archive), IMAGE)
