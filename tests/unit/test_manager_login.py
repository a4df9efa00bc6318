"""The files with which the Docker provider logs in on a manager."""

import subprocess
from pathlib import Path

import pytest

from stacks import manager_dial
from stacks.manager_login import login_flags, write_login


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("HOME", str(tmp_path))
    return tmp_path


def test_only_their_owner_reads_them_and_the_next_operation_writes_them_anew(home: Path) -> None:
    write_login("prod", "old", ["ssh-ed25519 AAAA"], ["first"])
    write_login("prod", "key", ["ssh-ed25519 BBBB", "ssh-ed25519 BBBB"], ["first", "second"])
    folder = home / ".cache/mcp-fleet/ssh/prod"
    assert {path.name: path.read_text() for path in folder.iterdir()} == {
        "key": "key",
        "known_host": "host ssh-ed25519 BBBB\n",
        "managers": "first\nsecond\n",
        "dial.py": Path(manager_dial.__file__).read_text(),
    }
    assert {path.stat().st_mode & 0o777 for path in folder.iterdir()} == {0o600}
    assert folder.stat().st_mode & 0o777 == 0o700


def test_the_flags_are_the_same_for_everybody(home: Path) -> None:
    assert str(home) not in " ".join(login_flags("prod"))


def test_ssh_finds_the_files_by_the_flags(home: Path) -> None:
    write_login("prod", "key", ["ssh-ed25519 AAAA"], ["first"])
    # A proxy that says nothing: ssh tells what it reads, and gets no further.
    command = ["ssh", "-v", "-o", "ProxyCommand=true", "-o", "ProxyUseFdpass=no", *login_flags("prod"), "host"]
    told = subprocess.run(command, capture_output=True, text=True, check=False).stderr
    assert f"identity file {home}/.cache/mcp-fleet/ssh/prod/key type" in told
    settings = subprocess.run(["ssh", "-G", *login_flags("prod"), "host"], capture_output=True, text=True, check=True)
    assert f"userknownhostsfile {home}/.cache/mcp-fleet/ssh/prod/known_host\n" in settings.stdout
