"""The login of the Docker provider, by a real sshd before the engine of this machine."""

import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from components.hosts.machine_keys import machine_keys
from dev.cloud.hosts import install
from dev.plugins.docker.ssh import ssh_command
from stacks.manager_login import login_flags, write_login
from tests.ports import free_port

from .needs import NAMESPACES

pytestmark = NAMESPACES

STACK = machine_keys("the seed of a stack's key")
HOST = machine_keys("the seed of a machine")
OTHER = machine_keys("the seed of another machine")
MANAGERS = ["127.0.0.2", "127.0.0.1"]
"""Nobody listens at the first one's sshd port: the second one is reached."""
PING = b"GET /_ping HTTP/1.0\r\n\r\n"


@pytest.fixture
def url(engine_environment: dict[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """The address of a host that was born with the keys that a stack on AWS gives it."""
    install()
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    port = free_port()
    (tmp_path / "host_key").write_text(HOST.ssh_private)
    (tmp_path / "host_key").chmod(0o600)
    (tmp_path / "authorized_keys").write_text(STACK.ssh_public)
    settings = [
        f"ListenAddress 127.0.0.1:{port}",
        f"HostKey {tmp_path}/host_key",
        f"AuthorizedKeysFile {tmp_path}/authorized_keys",
        "PidFile none",
        "PasswordAuthentication no",
        "StrictModes no",
        f"SetEnv DOCKER_HOST={engine_environment['DOCKER_HOST']} PATH={engine_environment['PATH']}",
    ]
    (tmp_path / "sshd_config").write_text("\n".join(settings) + "\n")
    Path("/run/sshd").mkdir(mode=0o755, exist_ok=True)
    command = ["/usr/sbin/sshd", "-D", "-e", "-f", str(tmp_path / "sshd_config")]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as sshd:
        assert sshd.stderr is not None
        assert "Server listening" in sshd.stderr.readline()
        yield f"ssh://root@managers:{port}"
        sshd.terminate()


def answer(url: str) -> subprocess.CompletedProcess[bytes]:
    return subprocess.run(ssh_command(url, login_flags("prod")), input=PING, capture_output=True, timeout=60)


def test_the_stack_s_key_reaches_the_docker_of_the_host_that_was_planted_and_of_no_other(url: str) -> None:
    write_login("prod", STACK.ssh_private, [HOST.ssh_public], MANAGERS)
    assert b"200 OK" in answer(url).stdout

    write_login("prod", STACK.ssh_private, [OTHER.ssh_public], MANAGERS)
    assert b"Host key verification failed" in answer(url).stderr

    write_login("prod", OTHER.ssh_private, [HOST.ssh_public], MANAGERS)
    assert b"Permission denied" in answer(url).stderr


def test_it_is_told_which_managers_are_silent(url: str) -> None:
    write_login("prod", STACK.ssh_private, [HOST.ssh_public], ["127.0.0.2", "127.0.0.3"])
    told = answer(url).stderr.decode()
    for address in ("127.0.0.2", "127.0.0.3"):
        assert f"no manager at {address} port {url.rpartition(':')[2]}: " in told
