"""What a new machine is told to become, and the keys it is born with."""

import json
from pathlib import Path
from typing import Any

import pytest
import yaml
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_ssh_private_key

from components.hosts.cloud_init import Tunnel, user_data
from components.hosts.machine_keys import machine_keys

SEED = "a-seed-of-one-machine"
KEYS = machine_keys(SEED)
OPERATORS = "ssh-ed25519 AAAA one\nssh-ed25519 BBBB two"


def told(tunnel: Tunnel | None = None) -> dict[str, Any]:
    text = user_data(hostname="test-manager-1", public_key=OPERATORS, keys=KEYS, tunnel=tunnel)
    assert text.startswith("#cloud-config\n")
    return dict(yaml.safe_load(text))


def files(document: dict[str, Any]) -> dict[str, tuple[str, str]]:
    return {Path(file["path"]).name: (file["permissions"], file["content"]) for file in document["write_files"]}


def test_the_host_key_is_one_that_sshd_can_load_and_the_same_every_time() -> None:
    loaded = load_ssh_private_key(KEYS.ssh_private.encode(), password=None)
    assert isinstance(loaded, Ed25519PrivateKey)
    assert loaded.public_key().public_bytes(Encoding.OpenSSH, PublicFormat.OpenSSH).decode() == KEYS.ssh_public
    assert machine_keys(SEED) == KEYS
    other = machine_keys("a-seed-of-another-machine")
    assert other.ssh_public != KEYS.ssh_public
    assert other.wireguard_public != KEYS.wireguard_public


def test_keys_are_not_in_what_a_traceback_prints() -> None:
    assert KEYS.ssh_private not in repr(KEYS)
    assert KEYS.wireguard_private not in repr(KEYS)


def test_only_the_planted_host_key_is_there_and_only_keys_log_in() -> None:
    document = told()
    assert document["ssh_deletekeys"] is True
    assert document["ssh_keys"] == {"ed25519_private": KEYS.ssh_private, "ed25519_public": KEYS.ssh_public}
    assert (document["disable_root"], document["ssh_pwauth"]) == (True, False)
    (user,) = document["users"]
    assert (user["name"], user["groups"]) == ("fleet", "docker")
    assert user["ssh_authorized_keys"] == OPERATORS.splitlines()
    assert "sudo" not in user
    _, sshd = files(document)["10-fleet.conf"]
    assert {"AllowUsers fleet", "PermitRootLogin no", "PasswordAuthentication no"} <= set(sshd.splitlines())


def test_the_engine_has_the_defaults_that_services_rely_on() -> None:
    _, text = files(told())["daemon.json"]
    engine = json.loads(text)
    assert engine["no-new-privileges"] is True
    assert engine["log-opts"] == {"max-size": "10m", "max-file": "3"}
    assert engine["default-ulimits"]["nofile"]["Hard"] == 65536
    assert "live-restore" not in engine, "a Swarm's engine refuses to start with it"
    assert engine["exec-opts"] == ["native.cgroupdriver=systemd"], "or the limit of processes has no effect"
    path = "/etc/systemd/system/docker-.scope.d/fleet.conf"
    assert [file["content"] for file in told()["write_files"] if file["path"] == path] == ["[Scope]\nTasksMax=1024\n"]


@pytest.mark.parametrize("tunnel", [None, Tunnel(address="10.90.0.10/24", port=51820)])
def test_the_tunnel_is_there_where_one_is_asked_for(tunnel: Tunnel | None) -> None:
    document = told(tunnel)
    found = files(document).get("fleet0.conf")
    assert ("wireguard-tools" in document["packages"]) is (tunnel is not None)
    assert (["systemctl", "enable", "--now", "wg-quick@fleet0"] in document["runcmd"]) is (tunnel is not None)
    if tunnel is None:
        assert found is None
    else:
        assert found is not None
        mode, text = found
        assert mode == "0600", "it has the private key"
        assert f"PrivateKey = {KEYS.wireguard_private}" in text.splitlines()
        assert "Address = 10.90.0.10/24" in text.splitlines()
