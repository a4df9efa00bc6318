"""What a new machine is told to become, and the keys it is born with."""

import json
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_ssh_private_key

from components.hosts.aws.machines import USER_DATA_BYTES
from components.hosts.cloud_init import user_data
from components.hosts.machine_keys import machine_keys, tunnel_keys

SEED = "a-seed-of-one-machine"
KEYS = machine_keys(SEED)
OPERATORS = "ssh-ed25519 AAAA one\nssh-ed25519 BBBB two"


def told(*, tunnel: bool = False) -> dict[str, Any]:
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


def test_keys_are_not_in_what_a_traceback_prints() -> None:
    assert KEYS.ssh_private not in repr(KEYS)
    assert tunnel_keys(SEED).private not in repr(tunnel_keys(SEED))


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


def test_only_hosts_of_a_tunnel_can_set_one() -> None:
    without, with_one = told(), told(tunnel=True)
    assert "fleet-tunnel" not in json.dumps(without)
    assert {"wireguard-tools", "sudo"} <= set(with_one["packages"])
    assert ["systemctl", "enable", "wg-quick@fleet0"] in with_one["runcmd"]
    mode, command = files(with_one)["fleet-tunnel"]
    assert (mode, command.splitlines()[0]) == ("0755", "#!/usr/bin/python3 -I")
    _, engine = files(with_one)["fleet-tunnel.conf"]
    assert "After=wg-quick@fleet0.service" in engine.splitlines(), "Swarm listens at an address of the tunnel"


def test_user_data_leaves_room_for_keys_of_administrators() -> None:
    text = user_data(hostname="h" * 63, public_key="\n".join([KEYS.ssh_public] * 8), keys=KEYS, tunnel=True)
    assert len(text.encode()) < USER_DATA_BYTES * 2 / 3


@pytest.mark.skipif(shutil.which("visudo") is None, reason="needs sudo's own checker")
def test_sudo_understands_the_rule_and_lets_nothing_else_be_called(tmp_path: Path) -> None:
    mode, rule = files(told(tunnel=True))["60-fleet"]
    assert mode == "0440"
    (tmp_path / "rule").write_text(rule)
    subprocess.run(["visudo", "--check", "--file", str(tmp_path / "rule")], check=True, capture_output=True)
    said = subprocess.run(["cvtsudoers", "-f", "json", str(tmp_path / "rule")], check=True, capture_output=True)
    (spec,) = json.loads(said.stdout)["User_Specs"]
    (allowed,) = spec["Cmnd_Specs"]
    verbs = ("set", "remove", "show", "down")
    assert allowed["Commands"] == [{"command": f"/usr/local/sbin/fleet-tunnel {verb}"} for verb in verbs]
    assert allowed["runasusers"] == [{"username": "root"}]
