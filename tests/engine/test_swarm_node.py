"""Hosts become a Swarm, change in it and leave it: on real Docker daemons, by real SSH, through the real engine."""

import time
from pathlib import Path

import pytest

from dev.cloud.hosts import IMAGE, SwarmHosts, wait_leaderless
from dev.cloud.machine import Machine, make_key

from .deployment import Step
from .needs import NAMESPACES
from .swarm_stack import SwarmStack

NODE = "pulumi-python:dynamic/mcp-fleet:SwarmNode"

pytestmark = [pytest.mark.long, NAMESPACES]


@pytest.fixture(scope="module")
def stack(
    hosts: SwarmHosts, engine_environment: dict[str, str], tmp_path_factory: pytest.TempPathFactory
) -> SwarmStack:
    """Three hosts, one of them a manager; each test goes on from where the one before it left them."""
    stack = SwarmStack(f"swarm-{hosts.mark}", tmp_path_factory.mktemp("stack"), engine_environment, hosts.private_key)
    first, second, third = hosts.boot("one", "two", "three")
    stack.hosts = {
        "one": (first, {"role": "manager"}),
        "two": (second, {"role": "worker", "labels": {"cloud": "aws"}}),
        "three": (third, {"role": "worker"}),
    }
    return stack


def machine(stack: SwarmStack, name: str) -> Machine:
    return stack.hosts[name][0]


def nodes(through: Machine) -> dict[str, str]:
    """Each node's state, availability and place among the managers, by what the machine calls itself."""
    line = "{{.Hostname}} {{.Status}} {{.Availability}} {{.ManagerStatus}}"
    told = through.command("node", "ls", "--format", line).splitlines()
    return {
        name: rest.replace("Leader", "Reachable").strip() for name, _, rest in (line.partition(" ") for line in told)
    }


def test_the_first_manager_makes_a_swarm_and_the_others_join_it(stack: SwarmStack) -> None:
    recorder = stack.up()
    created = [step.name for step in recorder.steps if step.type == NODE]
    assert created[0] == "one"
    assert sorted(created) == ["one", "three", "two"]
    assert nodes(machine(stack, "one")) == {
        "one": "Ready Active Reachable",
        "two": "Ready Active",
        "three": "Ready Active",
    }
    assert machine(stack, "one").command("node", "inspect", "two", "--format", "{{.Spec.Labels.cloud}}") == "aws"


def test_nothing_changes_the_second_time_nor_by_a_refresh(stack: SwarmStack) -> None:
    stack.refresh()
    assert stack.preview().steps == []


def test_the_state_has_no_secret_in_plain(stack: SwarmStack, hosts: SwarmHosts) -> None:
    stored = stack.stored()
    assert machine(stack, "two").id in stored, "the state was looked at"
    assert hosts.private_key.splitlines()[1] not in stored
    assert "SWMTKN" not in stored


def test_workers_are_promoted_and_labelled(stack: SwarmStack) -> None:
    for name in ("two", "three"):
        stack.hosts[name][1].update(role="manager", labels={"cloud": "lambda"})
    recorder = stack.up()
    assert {step.operation for step in recorder.steps} == {"update"}
    assert set(nodes(machine(stack, "one")).values()) == {"Ready Active Reachable"}
    labels = machine(stack, "one").command("node", "inspect", "two", "--format", "{{json .Spec.Labels}}")
    assert labels == f'{{"cloud":"lambda","mcp-fleet.node":"two","mcp-fleet.swarm":"{stack.swarm}"}}'


def test_what_was_changed_by_hand_is_put_right(stack: SwarmStack) -> None:
    machine(stack, "one").command("node", "update", "--availability", "pause", "--label-add", "by=hand", "three")
    stack.refresh()
    assert stack.preview().steps == [Step("update", NODE, "three")]
    stack.up()
    assert nodes(machine(stack, "one"))["three"] == "Ready Active Reachable"


def test_a_manager_lost_for_good_is_replaced(stack: SwarmStack, hosts: SwarmHosts) -> None:
    """Even the one that made the Swarm, by a machine with its address."""
    lost = machine(stack, "one")
    lost.kill()
    (successor,) = hosts.boot("one-again", address=lost.address)
    stack.hosts["one"] = (successor, {"role": "manager"})
    recorder = stack.up()
    touched = {step.name for step in recorder.steps if step.operation != "update" and step.type == NODE}
    assert touched == {"one"}
    assert nodes(machine(stack, "two")) == dict.fromkeys(["one-again", "two", "three"], "Ready Active Reachable")
    stack.refresh()
    assert stack.preview().steps == []


def test_no_update_loses_the_quorum(stack: SwarmStack, hosts: SwarmHosts) -> None:
    """Of three managers one is away, and another is to be rebuilt at its address, so to leave before it comes back."""
    away, (rebuilt, told) = machine(stack, "two"), stack.hosts["three"]
    away.kill()
    stack.hosts["three"] = (rebuilt, {**told, "machine": "rebuilt"})
    said = stack.refused(stack.stack.up)
    assert "without three the Swarm would lose its quorum" in said
    assert "and two is not; bring back or replace two first" in said
    assert "Traceback" not in said
    stack.hosts["three"] = (rebuilt, told)
    hosts.restart(away)
    stack.up()
    assert set(nodes(machine(stack, "one")).values()) == {"Ready Active Reachable"}


def test_a_host_that_is_replaced_drains_first(stack: SwarmStack, hosts: SwarmHosts) -> None:
    through = machine(stack, "one")
    old = machine(stack, "three")
    line = ["--no-resolve-image", "--detach", "--endpoint-mode", "dnsrr", "--stop-grace-period", "1s"]
    through.command("service", "create", "--name", "busy", "--replicas", "3", *line, IMAGE, "/bin/sleep", "3600")
    running = ["service", "ps", "busy", "--filter", "desired-state=running", "--format", "{{.Node}} {{.CurrentState}}"]
    deadline = time.monotonic() + 60
    while through.command(*running).count("Running") < 3:
        assert time.monotonic() < deadline, through.command(*running)
        time.sleep(0.5)
    (successor,) = hosts.boot("three-again")
    stack.hosts["three"] = (successor, stack.hosts["three"][1])
    try:
        recorder = stack.up()
    finally:
        print(through.command("service", "ps", "busy", "--no-trunc"))
    operations = [step.operation for step in recorder.steps if step.name == "three"]
    assert operations == ["create-replacement", "replace", "delete-replaced"]
    told = through.command(*running)
    assert told.count("Running") == 3
    assert "three " not in told
    assert "three" not in nodes(through)
    assert old.command("info", "--format", "{{.Swarm.LocalNodeState}}") == "inactive"
    through.command("service", "rm", "busy")


def test_another_host_key_is_refused(stack: SwarmStack, hosts: SwarmHosts, tmp_path: Path) -> None:
    host, told = stack.hosts["three"]
    make_key(tmp_path / "other")
    stack.hosts["three"] = (host, {**told, "host_key": (tmp_path / "other.pub").read_text(), "machine": "rebuilt"})
    said = stack.refused(stack.stack.up)
    assert "another SSH host key answered than the one that was planted" in said
    assert "Traceback" not in said
    stack.hosts["three"] = (host, told)
    stack.up()


def test_without_quorum_nothing_is_refreshed_or_changed(stack: SwarmStack, hosts: SwarmHosts) -> None:
    stack.docker = machine(stack, "one").docker
    # The Docker provider, unlike SwarmNode, heeds DOCKER_CONTEXT before its own `host`.
    workspace = stack.stack.workspace
    workspace.env_vars = {name: value for name, value in workspace.env_vars.items() if name != "DOCKER_CONTEXT"}
    stack.up()
    known = stack.known()
    assert "network" in known
    for name in ("two", "three"):
        machine(stack, name).kill()
    wait_leaderless(machine(stack, "one"))
    for operation in (stack.stack.preview, stack.stack.up, stack.stack.refresh):
        told = stack.refused(operation)
        assert "has no quorum" in told
        assert "docker swarm init --force-new-cluster" in told
        assert "Traceback" not in told
        assert stack.known() == known

    survivor = machine(stack, "one")
    survivor.command("swarm", "init", "--force-new-cluster", "--advertise-addr", survivor.address)
    for name in ("two", "three"):
        (successor,) = hosts.boot(f"{name}-anew")
        stack.hosts[name] = (successor, stack.hosts[name][1])
    stack.up()
    assert nodes(survivor) == dict.fromkeys([survivor.name, "two-anew", "three-anew"], "Ready Active Reachable")


def test_everything_leaves(stack: SwarmStack) -> None:
    stack.destroy()
    assert stack.resources() == []
    for host, _ in stack.hosts.values():
        assert host.command("info", "--format", "{{.Swarm.LocalNodeState}}") == "inactive"


def test_a_swarm_whose_only_manager_is_gone_can_be_given_up(stack: SwarmStack, hosts: SwarmHosts) -> None:
    manager, worker = machine(stack, "one"), machine(stack, "two")
    stack.docker = ""
    stack.hosts = {"one": (manager, {"role": "manager"}), "two": (worker, {"role": "worker"})}
    stack.up()
    manager.kill()
    told = stack.refused(stack.stack.destroy)
    assert f"set MCP_FLEET_ABANDON_SWARM={stack.swarm} for `pulumi destroy`" in told
    assert {"one", "two"} <= stack.known()

    workspace = stack.stack.workspace
    workspace.env_vars = {**workspace.env_vars, "MCP_FLEET_ABANDON_SWARM": stack.swarm}
    stack.destroy()
    assert stack.resources() == []
    assert worker.command("info", "--format", "{{.Swarm.LocalNodeState}}") == "inactive"
