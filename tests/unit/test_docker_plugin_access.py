"""Which engine is used, with which login, and through which ssh command."""

import base64
import json
import socket
from pathlib import Path
from typing import Any

import pytest

from dev.plugins.docker.access import Access, access, credentials
from dev.plugins.docker.ssh import forwarded_socket, ssh_command
from dev.plugins.resource import OperationError


@pytest.fixture(autouse=True)
def _no_settings_of_this_machine(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in ("HOST", "CONTEXT", "SSH_OPTS", "CERT_PATH", "CONFIG", "REGISTRY_USER", "REGISTRY_PASS"):
        monkeypatch.delenv(f"DOCKER_{name}", raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))


def decoded(header: str) -> Any:
    return json.loads(base64.urlsafe_b64decode(header))


def test_the_configured_host_comes_before_the_environments(monkeypatch: pytest.MonkeyPatch) -> None:
    assert access({}).host == "unix:///var/run/docker.sock"
    monkeypatch.setenv("DOCKER_HOST", "tcp://env:1")
    assert access({}).host == "tcp://env:1"
    assert access({"host": "tcp://given:1"}).host == "tcp://given:1"


def test_a_context_overrides_the_host(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    meta = tmp_path / ".docker/contexts/meta/0/meta.json"
    meta.parent.mkdir(parents=True)
    meta.write_text(json.dumps({"Name": "away", "Endpoints": {"docker": {"Host": "ssh://away"}}}))
    monkeypatch.setenv("DOCKER_CONTEXT", "away")
    assert access({"host": "tcp://given:1"}).host == "ssh://away"
    with pytest.raises(OperationError, match="context 'none' not found"):
        access({"context": "none"})


def test_ssh_options_come_from_the_configuration_or_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DOCKER_SSH_OPTS", "-i key -v")
    assert access({}) == Access("unix:///var/run/docker.sock", ["-i", "key", "-v"])
    assert access({"sshOpts": ["-q"]}).ssh_options == ["-q"]


def test_the_ssh_command_is_the_docker_clis() -> None:
    command = ssh_command("ssh://root@10.0.0.1:2222", ["-i", "key"])
    assert command[:3] == ["ssh", "-i", "key"]
    assert command[-7:] == ["-l", "root", "-p", "2222", "--", "10.0.0.1", "docker system dial-stdio"]


@pytest.mark.parametrize("url", ["ssh://", "ssh://user:password@host", "ssh://host/path"])
def test_an_ssh_url_has_a_host_and_nothing_else(url: str) -> None:
    with pytest.raises(ValueError, match="expected ssh://"):
        ssh_command(url, [])


def test_a_login_is_found_by_the_text_before_the_first_slash() -> None:
    logins = credentials({"registryAuth": [{"address": "http://localhost:5000", "username": "u", "password": "p"}]})
    assert decoded(logins.header("localhost:5000/dev/time:1@sha256:0")) == {
        "username": "u",
        "password": "p",
        "serveraddress": "http://localhost:5000",
    }
    assert decoded(logins.header("docker.io/library/redis")) == {}
    assert decoded(logins.header("redis")) == {}


def test_the_names_of_docker_hub_are_one() -> None:
    logins = credentials({"registryAuth": [{"address": "registry-1.docker.io", "username": "u", "password": "p"}]})
    assert decoded(logins.header("docker.io/library/redis"))["username"] == "u"


def test_without_a_username_the_docker_configuration_has_the_login(tmp_path: Path) -> None:
    auths = {"auths": {"localhost:5000": {"auth": base64.b64encode(b"u:p").decode()}}}
    content = [{"address": "localhost:5000", "configFileContent": json.dumps(auths)}]
    assert decoded(credentials({"registryAuth": content}).header("localhost:5000/x"))["password"] == "p"

    with pytest.raises(OperationError, match="cannot read the Docker configuration"):
        credentials({"registryAuth": [{"address": "localhost:5000", "configFile": str(tmp_path / "none.json")}]})


def test_a_connection_to_the_socket_is_one_ssh_process(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    ssh = tmp_path / "bin" / "ssh"
    ssh.parent.mkdir()
    ssh.write_text('#!/bin/sh\nprintf "%s\\n" "$*"\nexec cat\n')
    ssh.chmod(0o755)
    monkeypatch.setenv("PATH", f"{ssh.parent}:/usr/bin:/bin")
    path = forwarded_socket("ssh://host", ["-q"])
    for said in (b"one", b"two"):
        with socket.socket(socket.AF_UNIX) as connection:
            connection.connect(str(path))
            connection.sendall(said)
            connection.shutdown(socket.SHUT_WR)
            answer = b"".join(iter(lambda: connection.recv(1024), b""))
        assert answer == b"-q -o ConnectTimeout=30 -T -- host docker system dial-stdio\n" + said


def test_without_an_ssh_client_the_error_says_so(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(FileNotFoundError, match="no `ssh` on PATH"):
        forwarded_socket("ssh://host", [])
