"""What simulated machines make of user data: all that our hosts are told, and nothing else."""

import pytest
import yaml

from components.hosts.cloud_init import TUNNEL_COMMAND, user_data
from components.hosts.machine_keys import machine_keys
from dev.cloud.machine import applicable
from dev.cloud.user_data import HEADER, first_start
from dev.errors import EngineError

KEYS = machine_keys("the seed of a machine")
OWN = user_data(hostname="fleet-manager-1", public_key=f"{KEYS.ssh_public}\n{KEYS.ssh_public}", keys=KEYS)


def changed(**keys: object) -> str:
    return HEADER + yaml.safe_dump({**yaml.safe_load(OWN), **keys})


def test_a_machine_is_what_our_user_data_says() -> None:
    first = first_start(OWN)
    assert first.hostname == "fleet-manager-1"
    assert first.users == {"fleet": f"{KEYS.ssh_public}\n" * 2}
    assert first.host_key == KEYS.ssh_private
    assert "AllowUsers fleet" in first.files["/etc/ssh/sshd_config.d/10-fleet.conf"].content
    assert ["sysctl", "--system"] in first.commands
    assert applicable(first.engine)["no-new-privileges"] is True
    assert "exec-opts" not in applicable(first.engine), "they need systemd"


def test_files_have_the_modes_that_they_are_given() -> None:
    files = first_start(user_data(hostname="one", public_key=KEYS.ssh_public, keys=KEYS, tunnel=True)).files
    assert files[TUNNEL_COMMAND].mode == 0o755
    assert files["/etc/sudoers.d/60-fleet"].mode == 0o440


@pytest.mark.parametrize(
    ("told", "reason"),
    [
        (OWN.removeprefix(HEADER), "its first line is not '#cloud-config'"),
        (HEADER + "users: [", "no YAML, line 2"),
        (changed(hostname="Fleet Manager"), "hostname"),
        (changed(swap={"size": "1G"}), "swap: Extra inputs are not permitted"),
        (changed(packages=["podman"]), "a host without docker.io is none"),
        (changed(write_files=[{"path": "etc/motd", "content": "x"}]), "write_files.0.path"),
        (changed(write_files=[{"path": "/etc/docker/daemon.json", "content": "{"}]), "so dockerd would not start"),
    ],
)
def test_what_cloud_init_would_not_do_is_refused_and_no_key_is_told(told: str, reason: str) -> None:
    with pytest.raises(EngineError) as refused:
        first_start(told)
    assert reason in str(refused.value)
    assert KEYS.ssh_private.splitlines()[1] not in str(refused.value)
