"""What the SwarmNode provider accepts, what it calls a change, and what is stored of it."""

import base64
from pathlib import Path
from typing import Any

import pytest
from pulumi.dynamic.dynamic import serialize_provider
from pulumi.output import UNKNOWN
from pulumi.runtime import rpc

from components.providers.ssh_docker import (
    DIAL,
    HostError,
    HostKeyRefusedError,
    SshHost,
    UnreachableError,
    explained,
    ssh_command,
)
from components.providers.swarm.inputs import NodeInputs
from components.providers.swarm_node import SwarmNodeProvider

HOST_KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIOwXNYZQ5F4wYUMDzSrPEW5LqiAnEoa57aJkUgnplkx7"
SECRET = "the-secret-part"
KEY = f"-----BEGIN OPENSSH PRIVATE KEY-----\n{SECRET}\n-----END OPENSSH PRIVATE KEY-----"


def sshd(address: str) -> dict[str, Any]:
    return {"address": address, "host_key": HOST_KEY}


def inputs(**changes: Any) -> dict[str, Any]:
    return {
        "swarm": "test",
        "node": "two",
        "machine": "i-2",
        "host": sshd("10.0.0.2"),
        "private_key": KEY,
        "advertise_address": "10.9.0.2",
        "role": "manager",
        "managers": [sshd("10.0.0.1"), sshd("10.0.0.2")],
        **changes,
    }


def checked(**changes: Any) -> dict[str, Any]:
    result = SwarmNodeProvider().check({}, inputs(**changes))
    assert [(failure.property, failure.reason) for failure in result.failures] == []
    return result.inputs


def refused(olds: dict[str, Any], **changes: Any) -> tuple[str, str]:
    (failure,) = SwarmNodeProvider().check(olds, inputs(**changes)).failures
    return failure.property, failure.reason


@pytest.mark.parametrize(
    ("change", "where", "what"),
    [
        ({"role": "boss"}, "role", "'manager' or 'worker'"),
        ({"availability": "maybe"}, "availability", "'active', 'pause' or 'drain'"),
        ({"host": {"address": "10.0.0.2", "host_key": "rubbish"}}, "host.host_key", "ssh_host_ed25519_key.pub"),
        ({"host": sshd("-oProxyCommand=id")}, "host.address", "no address that ssh can be given"),
        ({"managers": [sshd("10.0.0.1")]}, "managers", "its own host is not among the managers"),
        ({"address_pools": ["everywhere"]}, "address_pools.0", "IPv4"),
        ({"rolle": "manager"}, "rolle", "not permitted"),
        ({"private_key": SECRET}, "private_key", "unencrypted OpenSSH private key"),
    ],
)
def test_a_wrong_input_is_named(change: dict[str, Any], where: str, what: str) -> None:
    named, reason = refused({}, **change)
    assert named == where
    assert what in reason
    assert SECRET not in reason


@pytest.mark.parametrize(
    "change", [{"swarm": "other"}, {"address_pools": ["10.5.0.0/16"]}, {"data_path_port": 4790}], ids=str
)
def test_what_is_fixed_for_the_whole_swarm_stays(change: dict[str, Any]) -> None:
    named, reason = refused(checked(), **change)
    assert [named] == list(change)
    assert "put the old value back" in reason


def test_what_is_not_known_yet_is_not_judged() -> None:
    news = inputs(machine=UNKNOWN, host={"address": UNKNOWN, "host_key": HOST_KEY})
    result = SwarmNodeProvider().check({}, news)
    assert result.failures == []
    assert (result.inputs["machine"], result.inputs["host"]["address"]) == (rpc.UNKNOWN, rpc.UNKNOWN), (
        "as it is written"
    )


def test_a_checked_node_does_not_differ_from_itself() -> None:
    before = {**checked(), "cluster": "c", "hostname": "h"}
    again = SwarmNodeProvider().check(before, inputs()).inputs
    assert SwarmNodeProvider().diff("id", before, again).changes is False


@pytest.mark.parametrize(
    "change",
    [
        {"role": "worker"},
        {"labels": {"gpu": "yes"}},
        {"availability": "drain"},
        {"host": sshd("10.0.0.3"), "managers": [sshd("10.0.0.1"), sshd("10.0.0.3")]},
        {"managers": [sshd("10.0.0.2")]},
    ],
    ids=lambda change: next(iter(change)),
)
def test_a_node_is_changed_in_place(change: dict[str, Any]) -> None:
    result = SwarmNodeProvider().diff("id", checked(), checked(**change))
    assert result.changes
    assert result.replaces == []


def test_a_new_machine_joins_before_the_old_one_leaves() -> None:
    result = SwarmNodeProvider().diff("id", checked(), checked(machine="i-9", advertise_address="10.9.0.9"))
    assert result.replaces == ["machine", "advertise_address"]
    assert result.delete_before_replace is False


def test_a_new_machine_with_the_old_address_can_only_follow() -> None:
    result = SwarmNodeProvider().diff("id", checked(), checked(machine="i-9"))
    assert result.replaces == ["machine"]
    assert result.delete_before_replace is True


def test_a_machine_keeps_its_address_for_life() -> None:
    where, why = refused(checked(), advertise_address="100.64.0.9")
    assert where == "advertise_address"
    assert "two is in the Swarm at 10.9.0.2, and a machine keeps its address for life" in why


def test_a_machine_that_is_not_known_yet_is_another_one() -> None:
    news = {**checked(), "machine": UNKNOWN, "host": {**sshd("10.0.0.2"), "address": UNKNOWN}}
    result = SwarmNodeProvider().diff("id", checked(), news)
    assert result.changes
    assert result.replaces == ["machine"]


def test_what_is_stored_of_the_provider_is_its_name() -> None:
    """Code in the state would be what the next destroy runs, whatever the checkout says."""
    stored = base64.b64decode(serialize_provider(SwarmNodeProvider()))
    assert b"components.providers.swarm_node" in stored
    assert len(stored) < 120


def test_ssh_is_as_strict_as_it_can_be() -> None:
    host = SshHost(address="10.0.0.2", port=2222, user="ubuntu", host_key=HOST_KEY)
    command = ssh_command(host, Path("/login"), DIAL)
    options = dict(text.split("=", 1) for text in command if "=" in text)
    assert command[:3] == ["ssh", "-F", "none"]
    assert options["StrictHostKeyChecking"] == "yes"
    assert options["UserKnownHostsFile"] == "/login/known_hosts"
    assert options["IdentityFile"] == "/login/key"
    assert options["GlobalKnownHostsFile"] == "/dev/null"
    assert options["BatchMode"] == "yes"
    assert options["IdentityAgent"] == "none"
    assert command[-7:] == ["-l", "ubuntu", "-p", "2222", "--", "10.0.0.2", "docker system dial-stdio"]


@pytest.mark.parametrize(
    ("told", "kind", "remedy"),
    [
        ("@ WARNING: REMOTE HOST IDENTIFICATION HAS CHANGED! @", HostKeyRefusedError, "pulumi up --replace"),
        ("Host key verification failed.", HostKeyRefusedError, "find out who answers"),
        ("root@h: Permission denied (publickey).", HostError, "authorized_keys"),
        ("bash: line 1: docker: command not found", HostError, "cloud-init-output.log"),
        (
            "dial unix /var/run/docker.sock: connect: permission denied",
            HostError,
            "group `docker`",
        ),
        ("Cannot connect to the Docker daemon at unix:///d.sock.", UnreachableError, "journalctl -u docker"),
        ("ssh: connect to host h port 22: Connection refused", UnreachableError, "firewall"),
        ("", UnreachableError, "no answer"),
    ],
)
def test_what_ssh_says_is_explained(told: str, kind: type[HostError], remedy: str) -> None:
    error = explained(SshHost(address="10.0.0.2", host_key=HOST_KEY), told)
    assert type(error) is kind
    assert remedy in str(error)
    assert "root@10.0.0.2:22" in str(error)
    assert "\n" not in str(error)


def test_a_representation_of_the_inputs_has_no_secret() -> None:
    assert SECRET not in repr(NodeInputs.model_validate(inputs()))
