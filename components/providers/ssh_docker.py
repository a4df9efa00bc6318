"""The Docker API of a host, reached by SSH and by nothing else.

Each connection to a private Unix socket becomes one `ssh … docker system dial-stdio` on the host, as the docker CLI and
the Pulumi provider do it: what works here works for them.
Source: https://github.com/docker/cli/tree/master/cli/connhelper
"""

import os
import re
import shutil
import socket
import subprocess
import tempfile
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import docker
from docker.errors import DockerException
from pydantic import BaseModel, ConfigDict, Field, ValidationInfo, field_validator

from .plain_errors import ProviderError

API_VERSION: Final = "1.41"
"""Of Docker 20.10, the oldest that hosts may run: a fixed version saves each connection a round trip."""
CONNECT_SECONDS: Final = 10
ANSWER_SECONDS: Final = 60
DIAL: Final = "docker system dial-stdio"
"""What connects its stdin and stdout to the Docker of a host."""
_ALIAS: Final = "host"
_KEY: Final = re.compile(r"(ssh-|ecdsa-|sk-)[\w.@-]+ [A-Za-z0-9+/]+=*")
_ADDRESS: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9.:-]*")
_USER: Final = re.compile(r"[A-Za-z_][\w.-]*")


class HostError(ProviderError):
    """A host's Docker can't be used."""


class UnreachableError(HostError):
    """Nothing answered at the address; it may be down, or still starting, or the network may be."""


class HostKeyRefusedError(HostError):
    """Who answered has not the host key that was planted."""


class SshHost(BaseModel):
    """Where a host's sshd is, and how to know that it is that host's.

    Attributes:
        address: an IP address or a DNS name.
        port: of sshd.
        user: who may use the host's Docker without sudo.
        host_key: the public host keys that were planted, one a line: `ssh-ed25519 AAAA…`.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    address: str
    port: int = Field(default=22, ge=1, le=65535)
    user: str = "root"
    host_key: str

    @field_validator("address", "user")
    @classmethod
    def _plain(cls, value: str, info: ValidationInfo) -> str:
        pattern = _ADDRESS if info.field_name == "address" else _USER
        if not pattern.fullmatch(value):
            raise ValueError(f"{value!r} is no {info.field_name} that ssh can be given")
        return value

    @field_validator("host_key")
    @classmethod
    def _keys(cls, value: str) -> str:
        keys = [" ".join(line.split()[:2]) for line in value.splitlines() if line.strip()]
        if not keys or not all(_KEY.fullmatch(key) for key in keys):
            raise ValueError(
                "expected the host's public key as in /etc/ssh/ssh_host_ed25519_key.pub: `ssh-ed25519 AAAA…`"
            )
        return "\n".join(keys)

    def __str__(self) -> str:
        return f"{self.user}@{self.address}:{self.port}"


@dataclass(frozen=True)
class DockerHost:
    """An open way to a host's Docker.

    Attributes:
        host: the host.
        api: its Docker API.
    """

    host: SshHost
    api: docker.APIClient


@contextmanager
def docker_over_ssh(host: SshHost, private_key: str) -> Iterator[DockerHost]:
    """Open the Docker API of a host and check that it answers; `private_key` is OpenSSH's or PEM text.

    Nothing of the caller's shell matters: not DOCKER_HOST, DOCKER_CONTEXT, ~/.ssh nor an agent.

    Raises:
        HostKeyRefusedError: another host key answered.
        UnreachableError: nothing answered.
        HostError: there is no ssh here, the key is refused there, or there is no Docker.
    """
    with ssh_login(host, private_key) as folder:
        _write_private(folder / "errors", "")
        command = ssh_command(host, folder, DIAL)
        with _forwarding(folder / "docker.sock", command, folder / "errors") as path:
            api = docker.APIClient(base_url=f"unix://{path}", version=API_VERSION, timeout=ANSWER_SECONDS)
            api.trust_env = False
            try:
                _ping(host, api, folder / "errors")
                yield DockerHost(host, api)
            finally:
                api.close()


@contextmanager
def ssh_login(host: SshHost, private_key: str) -> Iterator[Path]:
    """A folder with what `ssh_command` needs to log in on a host, for as long as the context lasts.

    Raises:
        HostError: there is no ssh here.
    """
    if shutil.which("ssh") is None:
        raise HostError("no `ssh` on PATH: install OpenSSH's client, which reaches the hosts")
    with tempfile.TemporaryDirectory(prefix="fleet-ssh-") as made:
        folder = Path(made)
        _write_private(folder / "key", private_key.strip().replace("\r\n", "\n") + "\n")
        _write_private(folder / "known_hosts", known_host(host.host_key))
        yield folder


def ssh_command(host: SshHost, login: Path, command: str) -> list[str]:
    """The command that runs `command` on a host; `login` is the folder of `ssh_login`."""
    target = ["-l", host.user, "-p", str(host.port), "--", host.address]
    return ["ssh", *ssh_flags(str(login / "key"), str(login / "known_hosts")), *target, command]


def ssh_flags(key: str, known: str) -> list[str]:
    """The flags with which ssh reads two files and none of the user's, asks nothing, and accepts known host keys alone.

    Arguments:
        key: path of the private key, in which ssh fills in `${HOME}`.
        known: path of what `known_host` returned, likewise.

    Source: https://man.openbsd.org/ssh_config
    """
    options = {
        "BatchMode": "yes",
        "CheckHostIP": "no",
        "ConnectTimeout": str(CONNECT_SECONDS),
        "GlobalKnownHostsFile": "/dev/null",
        "HostKeyAlias": _ALIAS,
        "IdentitiesOnly": "yes",
        "IdentityAgent": "none",
        "IdentityFile": key,
        "LogLevel": "ERROR",
        "PreferredAuthentications": "publickey",
        "ServerAliveInterval": "10",
        "StrictHostKeyChecking": "yes",
        "UpdateHostKeys": "no",
        "UserKnownHostsFile": known,
    }
    flags = [argument for name, value in options.items() for argument in ("-o", f"{name}={value}")]
    return ["-F", "none", "-T", *flags]


def known_host(host_key: str) -> str:
    """The known_hosts file of a host with these planted keys, one a line, under whatever address it answers."""
    return "".join(f"{_ALIAS} {key}\n" for key in host_key.splitlines())


@contextmanager
def _forwarding(path: Path, command: Sequence[str], errors: Path) -> Iterator[Path]:
    """Listen on a Unix socket; a connection to it is handed to a new ssh as its stdin and stdout."""
    running: list[subprocess.Popen[bytes]] = []
    environment = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}

    def accept(listener: socket.socket) -> None:
        while True:
            try:
                connection, _ = listener.accept()
            except OSError:  # the listener was shut down
                return
            with connection, errors.open("ab") as told:
                both = connection.fileno()
                running.append(subprocess.Popen(command, stdin=both, stdout=both, stderr=told, env=environment))

    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(path))
        listener.listen()
        acceptor = threading.Thread(target=accept, args=(listener,), daemon=True)
        acceptor.start()
        try:
            yield path
        finally:
            listener.shutdown(socket.SHUT_RDWR)
            acceptor.join()
            for ssh in running:
                ssh.terminate()
                ssh.wait()


def _ping(host: SshHost, api: docker.APIClient, errors: Path) -> None:
    try:
        api.ping()
    except (DockerException, OSError) as error:
        told = errors.read_text(errors="replace").strip()
        raise explained(host, told or str(error)) from None


def explained(host: SshHost, told: str) -> HostError:
    """What ssh's or Docker's words mean, and what to do about it."""
    last = told.splitlines()[-1] if told else "no answer"
    if "IDENTIFICATION HAS CHANGED" in told or "Host key verification failed" in told or "host key is known" in told:
        return HostKeyRefusedError(
            f"{host}: another SSH host key answered than the one that was planted there, so nothing was sent to it; "
            "if the host was rebuilt by hand, replace it with `pulumi up --replace` of its machine; "
            "if not, find out who answers at that address"
        )
    if "Permission denied" in told and "docker" not in told.lower():
        return HostError(
            f"{host}: sshd refuses the stack's SSH key for this user; check that its public half is in the user's "
            "authorized_keys (cloud-init writes it at the first boot)"
        )
    if "libcrypto" in told or "invalid format" in told:
        return HostError(f"{host}: the SSH private key for it can't be read; expected an unencrypted OpenSSH one")
    if "docker: command not found" in told or "docker: not found" in told:
        return HostError(f"{host}: no `docker` is installed there; see /var/log/cloud-init-output.log on it")
    if "permission denied" in told:
        return HostError(f"{host}: the user may not use Docker there; add it to the group `docker`, or use root")
    if "Cannot connect to the Docker daemon" in told or "failed to dial" in told or "dial unix" in told:
        return UnreachableError(
            f"{host}: sshd answers, but Docker does not run there ({last}); see `journalctl -u docker`"
        )
    return UnreachableError(
        f"{host}: no answer by SSH ({last}); check that the host runs, and that its firewall lets this machine in"
    )


def _write_private(path: Path, text: str) -> None:
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        file.write(text)
