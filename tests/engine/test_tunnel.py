"""A WireGuard network over hosts, and a Swarm over that: by real SSH, through the real engine, on real interfaces."""

import shutil
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from components.hosts.cloud_init import USER
from components.hosts.machine_keys import tunnel_keys
from dev.cloud.hosts import IMAGE, TUNNEL_PACKAGES, SwarmHosts, install
from dev.cloud.machine import Machine

from .deployment import Step
from .needs import NAMESPACES, TUNNELS
from .tunnel_hosts import INTERFACE, TunnelStack, files, node_addresses, peers, public_key, shown, succeeds

END = "pulumi-python:dynamic/mcp-fleet:TunnelEnd"
ENOUGH_SECONDS = 90

pytestmark = [pytest.mark.long, NAMESPACES, TUNNELS]


@pytest.fixture(scope="module")
def hosts(engine_environment: dict[str, str]) -> Iterator[SwarmHosts]:
    install(*TUNNEL_PACKAGES)
    folder = Path(tempfile.mkdtemp(prefix="mcp-fleet-tunnel-", dir="/var/tmp"))  # pytest's own are root's alone
    folder.chmod(0o711)  # sshd reads a user's keys as that user
    made = SwarmHosts(folder, user=USER, files=files())
    try:
        yield made
    finally:
        made.close()
        shutil.rmtree(folder)


@pytest.fixture(scope="module")
def stack(
    hosts: SwarmHosts, engine_environment: dict[str, str], tmp_path_factory: pytest.TempPathFactory
) -> TunnelStack:
    """Two hosts; each test goes on from where the one before it left them."""
    stack = TunnelStack(f"tunnel-{hosts.mark}", tmp_path_factory.mktemp("stack"), engine_environment, hosts.private_key)
    first, second = hosts.boot("one", "two")
    stack.hosts = {"one": (first, {"role": "manager"}), "two": (second, {"role": "worker"})}
    stack.docker = first.docker
    # The Docker provider, unlike SwarmNode, heeds DOCKER_CONTEXT before its own `host`.
    workspace = stack.stack.workspace
    workspace.env_vars = {name: value for name, value in workspace.env_vars.items() if name != "DOCKER_CONTEXT"}
    return stack


def machine(stack: TunnelStack, name: str) -> Machine:
    return stack.hosts[name][0]


def wait(condition: Callable[[], bool], what: str) -> None:
    deadline = time.monotonic() + ENOUGH_SECONDS
    while not condition():
        assert time.monotonic() < deadline, what
        time.sleep(0.2)


def reached(source: Machine, address: str) -> bool:
    return succeeds(source, "ping", "-c", "1", "-W", "1", address)


def test_hosts_reach_each_other_through_the_tunnel_and_are_a_swarm_over_it(stack: TunnelStack) -> None:
    stack.up()
    addresses = stack.addresses()
    assert all(address.startswith("100.") for address in addresses.values())
    one, two = machine(stack, "one"), machine(stack, "two")
    assert (peers(one), peers(two)) == ({addresses["two"]}, {addresses["one"]})
    assert reached(one, addresses["two"])
    assert node_addresses(one) == {"one": addresses["one"], "two": addresses["two"]}


def test_nothing_changes_the_second_time_nor_by_a_refresh(stack: TunnelStack) -> None:
    stack.refresh()
    assert stack.preview().steps == []


def test_no_key_is_in_plain_in_the_state(stack: TunnelStack, hosts: SwarmHosts) -> None:
    stored = stack.stored()
    for name in ("one", "two"):
        assert public_key(machine(stack, name)) in stored, "the state was looked at"
        assert shown(machine(stack, name), "private-key")[0] not in stored
    assert hosts.private_key.splitlines()[1] not in stored


def containers(stack: TunnelStack, service: str) -> str:
    """The state of a service's one task, and its node."""
    line = ["service", "ps", service, "--filter", "desired-state=running", "--format", "{{.Node}} {{.CurrentState}}"]
    return machine(stack, "one").command(*line)


def tasks(stack: TunnelStack, service: str) -> str:
    """The ids of all tasks that a service has had."""
    return machine(stack, "one").command("service", "ps", service, "--quiet", "--no-trunc")


def serve(stack: TunnelStack, name: str, role: str) -> str:
    """Run a container on the node of this role that does nothing, and return its address on the overlay network."""
    manager = machine(stack, "one")
    how = ["--no-resolve-image", "--detach", "--endpoint-mode", "dnsrr", "--network", "overlay"]
    where = ["--constraint", f"node.role=={role}", "--stop-grace-period", "1s"]
    manager.command("service", "create", "--name", name, *how, *where, IMAGE, "/bin/sleep", "3600")
    wait(lambda: "Running" in containers(stack, name), f"{name} does not run: {containers(stack, name)}")
    task = manager.command("service", "ps", name, "--quiet", "--filter", "desired-state=running")
    found = manager.command("inspect", "--format", "{{(index .NetworksAttachments 0).Addresses}}", task)
    return found.strip("[]").partition("/")[0]


def in_container(stack: TunnelStack, host: str, service: str, *command: str) -> bool:
    """Whether a program of the host succeeds in the network of the container that `service` has there."""
    own = machine(stack, host)
    (container,) = own.command("ps", "--quiet", "--filter", f"label=com.docker.swarm.service.name={service}").split()
    pid = own.command("inspect", "--format", "{{.State.Pid}}", container)
    return succeeds(own, "nsenter", "--target", pid, "--net", *command)


def test_containers_reach_each_other_over_it_with_packets_as_large_as_fit(stack: TunnelStack) -> None:
    serve(stack, "left", "manager")
    right = serve(stack, "right", "worker")
    fits, too_large = 1420 - 50 - 28, 1420 - 50 - 27  # VXLAN's header; then IP's and ICMP's
    ping = ["ping", "-c", "1", "-W", "2", "-M", "do"]
    assert in_container(stack, "one", "left", *ping, "-s", str(fits), right)
    assert not in_container(stack, "one", "left", *ping, "-s", str(too_large), right)
    before = shown(machine(stack, "one"), "transfer")[0].split()[2]
    assert in_container(stack, "one", "left", "ping", "-c", "20", "-i", "0.01", "-s", str(fits), right)
    after = shown(machine(stack, "one"), "transfer")[0].split()[2]
    assert int(after) - int(before) > 20 * fits, "that is the way it went"


def test_a_host_that_comes_is_told_to_the_others_and_nothing_else_changes(
    stack: TunnelStack, hosts: SwarmHosts
) -> None:
    before = public_key(machine(stack, "one"))
    (third,) = hosts.boot("three")
    stack.hosts["three"] = (third, {"role": "worker"})
    steps = stack.up().steps
    others = {Step("update", END, "tunnel-one"), Step("update", END, "tunnel-two")}
    assert {step for step in steps if step.operation != "create"} == others
    addresses = stack.addresses()
    assert reached(third, addresses["two"])
    assert reached(machine(stack, "two"), addresses["three"])
    assert public_key(machine(stack, "one")) == before
    assert node_addresses(machine(stack, "one")) == addresses


def test_new_keys_do_not_lose_the_swarm(stack: TunnelStack) -> None:
    old = {name: public_key(machine(stack, name)) for name in stack.hosts}
    before = tasks(stack, "right")
    stack.keys = 2
    recorder = stack.up()
    assert {step.operation for step in recorder.steps if step.type == END} == {"update"}
    assert not [step for step in recorder.steps if "SwarmNode" in step.type]
    new = {name: public_key(machine(stack, name)) for name in stack.hosts}
    assert not set(old.values()) & set(new.values())
    for name in stack.hosts:
        assert set(shown(machine(stack, name), "peers")) == {key for other, key in new.items() if other != name}
    wait(lambda: node_addresses(machine(stack, "one")) == stack.addresses(), "a node is not ready")
    assert tasks(stack, "right") == before, "nothing was started anew"
    assert stack.preview().steps == []


def test_what_was_changed_by_hand_is_put_right(stack: TunnelStack) -> None:
    one = machine(stack, "one")
    stray = tunnel_keys("somebody").public
    one.inside("wg", "set", INTERFACE, "peer", stray, "allowed-ips", "100.127.0.1/32")
    machine(stack, "two").inside("wg", "set", INTERFACE, "peer", public_key(one), "remove")
    stack.refresh()
    assert set(stack.preview().steps) == {Step("update", END, "tunnel-one"), Step("update", END, "tunnel-two")}
    stack.up()
    addresses = stack.addresses()
    assert peers(one) == {addresses["two"], addresses["three"]}
    assert peers(machine(stack, "two")) == {addresses["one"], addresses["three"]}
    assert reached(one, addresses["two"])


def test_a_successor_joins_before_its_predecessor_goes(stack: TunnelStack, hosts: SwarmHosts) -> None:
    old = machine(stack, "two")
    before = stack.addresses()
    (successor,) = hosts.boot("two-again")
    stack.hosts["two"] = (successor, {"role": "worker"})
    stack.up()
    addresses = stack.addresses()
    assert addresses["two"] != before["two"]
    assert {name: addresses[name] for name in ("one", "three")} == {name: before[name] for name in ("one", "three")}
    assert peers(machine(stack, "one")) == {addresses["two"], addresses["three"]}
    assert not succeeds(old, "ip", "link", "show", INTERFACE)
    assert old.command("info", "--format", "{{.Swarm.LocalNodeState}}") == "inactive"
    assert "Running" in containers(stack, "right"), "it drained first"


def test_a_host_that_is_dead_keeps_nobody_from_letting_it_go(stack: TunnelStack) -> None:
    machine(stack, "three").kill()
    del stack.hosts["three"]
    stack.up()
    assert peers(machine(stack, "one")) == {stack.addresses()["two"]}


def test_everything_leaves(stack: TunnelStack) -> None:
    for service in ("left", "right"):
        machine(stack, "one").command("service", "rm", service)
    stack.destroy()
    assert stack.resources() == []
    for host, _ in stack.hosts.values():
        assert not succeeds(host, "ip", "link", "show", INTERFACE)
        assert not succeeds(host, "test", "-e", f"/etc/wireguard/{INTERFACE}.conf"), "no key is left"
