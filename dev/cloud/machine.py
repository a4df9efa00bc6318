"""A machine: processes in namespaces of their own, with an sshd and a Docker.

All that it starts ends with it, and its mounts and interfaces go with it. Its Docker shares nothing with that of the
machine it runs on but the kernel.
"""

import contextlib
import json
import os
import resource
import shlex
import shutil
import signal
import subprocess
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from components.providers.ssh_docker import SshHost
from dev import commands
from dev.cloud.first_start import FirstStart
from dev.cloud.network import Network
from dev.cloud.shell import run
from dev.errors import EngineError

PACKAGES: Final = ("docker.io", "runc", "iptables", "iproute2", "openssh-server", "openssh-client")
START_SECONDS: Final = 120.0
POLL_SECONDS: Final = 0.2
FOLDERS: Final = ("/etc", "/home", "/usr/local")
"""Where it can have files of its own; boot.sh lays them over those of the outer machine."""
SYSTEMD_ONLY: Final = frozenset({"exec-opts"})
"""Settings of dockerd that only mean something under systemd."""
BOOT: Final = Path(__file__).with_name("boot.sh")
COMMANDS: Final = Path(__file__).with_name("commands")


@dataclass
class Machine:
    """One machine.

    Attributes:
        id: what tells it from every other that had or will have its name or address.
        name: its host name.
        address: where its sshd is reached.
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
        """What runs it. Its end is the machine's."""
        assert self._process is not None, "it was started"
        return self._process

    def install(self, first: FirstStart) -> None:
        """Write its disk.

        Raises:
            EngineError: It is to have files elsewhere than in FOLDERS.
        """
        upper = self.folder / "upper"
        upper.mkdir(parents=True)
        for path, file in first.files.items():
            if not path.startswith(tuple(f"{folder}/" for folder in FOLDERS)) or ".." in Path(path).parts:
                raise EngineError(
                    f"{self.name}: {path}: this machine has files of its own in {', '.join(FOLDERS)} only"
                )
            _write(upper / path.lstrip("/"), file.content, file.mode)
        _write(self.folder / "host_key", first.host_key, 0o600)
        _write(self.folder / "host_key.pub", run("ssh-keygen", "-y", "-f", str(self.folder / "host_key")))
        for user, keys in first.users.items():
            _write(self.folder / "keys" / user, keys)
        _write(self.folder / "users", " ".join(first.users))
        _write(self.folder / "sshd_config", _sshd(self.folder))
        _write(self.folder / "daemon.json", json.dumps(applicable(first.engine)))
        _write(self.folder / "first-start", "".join(f"{shlex.join(command)}\n" for command in first.commands))

    def start(self, network: Network, addresses: Sequence[str], loopback_ports: Sequence[int] = ()) -> None:
        """Boot it.

        Arguments:
            addresses: of its interface, in CIDR form.
            loopback_ports: of this machine's, that answer at the same address there.
        """
        environment = {
            "PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
            "ID": self.id,
            "NAME": self.name,
            "DISK": str(self.folder),
            "USERS": (self.folder / "users").read_text(),
            "COMMANDS": str(COMMANDS),
            "ADDRESSES": " ".join(addresses),
            "GATEWAY": network.gateway,
            "LOOPBACK_PORTS": " ".join(map(str, loopback_ports)),
        }
        namespaces = ["--net", "--mount", "--uts", "--ipc", "--pid", "--fork", "--kill-child", "--mount-proc"]
        with (self.folder / "log").open("ab") as log:
            self._process = subprocess.Popen(
                ["setpriv", "--pdeathsig", "KILL", "unshare", *namespaces, "sh", str(BOOT)],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                env=environment,
                cwd="/",
                start_new_session=True,
            )
        network.plug(self._inside())

    def wait(self) -> None:
        """Wait until its Docker answers.

        Raises:
            EngineError: It ended, or took too long; with its last words.
        """
        deadline = time.monotonic() + START_SECONDS
        while commands.output(["docker", "--host", self.docker, "version"]) is None:
            if self.process.poll() is not None or time.monotonic() > deadline:
                raise EngineError(f"{self.name} did not start\n{self.last_words()}")
            time.sleep(POLL_SECONDS)

    def last_words(self) -> str:
        """The end of what it wrote on its console."""
        return (self.folder / "log").read_text(errors="replace")[-2000:]

    def command(self, *arguments: str) -> str:
        """Run docker on it, and return what it says.

        Raises:
            EngineError: It failed.
        """
        done = subprocess.run(
            ["docker", "--host", self.docker, *arguments], capture_output=True, text=True, check=False
        )
        if done.returncode != 0:
            raise EngineError(f"docker {' '.join(arguments)} on {self.name}: {done.stderr.strip()}")
        return done.stdout.strip()

    def inside(self, *arguments: str) -> str:
        """Run a command in it as root, and return what it says.

        Raises:
            EngineError: It failed.
        """
        target = ["nsenter", "--target", str(self._inside()), "--net", "--mount", "--uts", "--ipc", "--pid"]
        done = subprocess.run([*target, *arguments], capture_output=True, text=True, check=False)
        if done.returncode != 0:
            raise EngineError(f"{' '.join(arguments)} on {self.name}: {done.stderr.strip()}")
        return done.stdout.strip()

    def kill(self) -> None:
        """Pull its plug."""
        if self._process is not None:
            self._process.send_signal(signal.SIGKILL)
            self._process.wait()

    def scrap(self) -> None:
        """Pull its plug and throw its disk away."""
        self.kill()
        shutil.rmtree(self.folder, ignore_errors=True)
        remove_cgroups(self.id)

    def _inside(self) -> int:
        """The first process in its namespaces, as this machine numbers it."""
        children = Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children")
        deadline = time.monotonic() + START_SECONDS
        while not (found := children.read_text().split()):
            if self.process.poll() is not None or time.monotonic() > deadline:
                raise EngineError(f"{self.name}: unshare started nothing\n{self.last_words()}")
            time.sleep(0.01)
        return int(found[0])


def applicable(engine: Mapping[str, Any]) -> dict[str, Any]:
    """Settings of dockerd as they can be had here: without systemd, with no more open files than this machine has."""
    settings = {key: value for key, value in engine.items() if key not in SYSTEMD_ONLY}
    most = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    if files := settings.get("default-ulimits", {}).get("nofile"):
        capped = {**files, "Soft": min(files["Soft"], most), "Hard": min(files["Hard"], most)}
        settings["default-ulimits"] = {**settings["default-ulimits"], "nofile": capped}
    return settings


def _sshd(folder: Path) -> str:
    # The included files come first: of a setting that is given twice, sshd takes the first.
    lines = [
        "Include /etc/ssh/sshd_config.d/*.conf",
        f"HostKey {folder}/host_key",
        f"AuthorizedKeysFile {folder}/keys/%u",
        "PidFile /run/sshd.pid",
        "StrictModes no",
        "PasswordAuthentication no",
        "KbdInteractiveAuthentication no",
    ]
    return "\n".join(lines) + "\n"


def _write(path: Path, text: str, mode: int = 0o644) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, mode), "w") as file:
        file.write(text)


def remove_cgroups(name: str) -> None:
    """Remove the empty cgroups that a killed Docker leaves, deepest first."""
    root = Path("/sys/fs/cgroup")
    for found in (root / name, *root.glob(f"*/{name}")):  # of version 2, and of each hierarchy of version 1
        for folder, _, _ in os.walk(found, topdown=False):
            with contextlib.suppress(OSError):
                Path(folder).rmdir()


def make_key(path: Path) -> None:
    """Make an SSH key pair: `path`, and its public half beside it."""
    run("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "", "-f", str(path))
