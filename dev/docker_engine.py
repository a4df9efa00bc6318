"""The Docker engine: the machine's own if one answers, else a dockerd of ours beside it; in both, a one-node Swarm."""

import json
import os
import resource
import shutil
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

from dev import commands, debian, home, network
from dev.daemons import Daemon
from dev.errors import EngineError
from dev.progress import Step

PACKAGES = ("docker.io", "runc", "iptables", "iproute2", "python3", "ca-certificates")
OPEN_FILES = 65536
SETTLE_SECONDS = 30.0
POLL_SECONDS = 0.2
SWARM_PORTS = (2377, 7946)
"""Management and gossip: https://docs.docker.com/engine/swarm/swarm-tutorial/#open-protocols-and-ports-between-the-hosts"""
VXLAN_PORT = 4789
RELOADED = {"registry-mirrors"}
"""Settings that a running dockerd takes over without a restart (it can more: these are the ones that change)."""


def configuration(registry_mirror: str | None) -> dict[str, object]:
    """daemon.json of our own dockerd.

    Everything is under MCP_FLEET_HOME and named after it, so that it runs beside any other dockerd of the machine.
    Hardening that a Swarm service can't ask for by itself is a default here, as on the hosts of production.

    Args:
        registry_mirror: `host:port` that serves docker.io's images in its place, or None.

    Source: https://docs.docker.com/reference/cli/dockerd/#daemon-configuration-file
    """
    open_files = min(OPEN_FILES, resource.getrlimit(resource.RLIMIT_NOFILE)[1])
    settings: dict[str, object] = {
        "hosts": [_own_host()],
        "data-root": str(home.home() / "docker"),
        "exec-root": str(home.run() / "docker"),
        "pidfile": str(home.run() / "docker.pid"),
        "bridge": network.bridge_name(),
        "no-new-privileges": True,
        "default-ulimits": {"nofile": {"Name": "nofile", "Soft": open_files, "Hard": open_files}},
        "default-runtime": "limited",
        "runtimes": {"limited": {"path": str(home.binaries() / "runc-limited")}},
        "log-driver": "json-file",
        "log-opts": {"max-size": "10m", "max-file": "3"},
    }
    if registry_mirror:
        settings["registry-mirrors"] = [f"http://{registry_mirror}"]
    return settings


def start_own(registry_mirror: str | None, step: Step) -> None:
    """Bring up our own dockerd, unless it answers already.

    Raises:
        EngineError: Not Linux, not root, or dockerd doesn't come up.
    """
    daemon = _daemon()
    wanted = configuration(registry_mirror)
    _install_runtime()
    if daemon.running(_answers):
        current = _configured()
        changed = {key for key in {*wanted, *current} if wanted.get(key) != current.get(key)}
        if not changed:
            step.done(f"own engine ({_version()}), running")
            return
        if changed <= RELOADED:
            home.replace(_configuration_file(), json.dumps(wanted, indent=2) + "\n")
            daemon.reload()
            step.done(f"own engine ({_version()}), running; reloaded {', '.join(sorted(changed))}")
            return
        if commands.output(["docker", "--host", _own_host(), "ps", "--quiet"]):
            step.done(f"own engine ({_version()}), running with older settings; `make down up` applies the new ones")
            return
    if sys.platform != "linux" or os.geteuid() != 0:
        raise EngineError(
            "no Docker answers, and an own one needs Linux and root\n"
            "  start Docker (Docker Desktop, `systemctl start docker`, `colima start` …), or set DOCKER_HOST"
        )
    debian.ensure(PACKAGES, step)
    daemon.stop()
    home.replace(_configuration_file(), json.dumps(wanted, indent=2) + "\n")
    network.make_bridge()
    step.update("starting dockerd")
    daemon.start(_answers)
    step.done(f"own engine ({_version()}), started: no other Docker answers")


def _install_runtime() -> None:
    """Put the `limited` runtime of the configuration in place."""
    source = Path(__file__).parent
    home.replace(home.binaries() / ".runc_limited.py", (source / "runc_limited.py").read_text())
    home.replace(home.binaries() / "runc-limited", (source / "runc-limited").read_text(), mode=0o755)


def stop_own() -> bool:
    """Stop our own dockerd if it runs, and what it left in the machine's network. Returns whether it ran."""
    ran = _daemon().stop()
    if sys.platform == "linux" and _configuration_file().is_file():
        network.remove_bridges()
        _unmount(home.home() / "docker", home.run() / "docker")
    return ran


def join_swarm(host: str, *, own: bool, step: Step) -> None:
    """Make the engine a one-node Swarm unless it is in a Swarm already.

    Raises:
        EngineError: It is a worker, or its Swarm has no leader; or it can't be made one.
    """
    swarm = _settled_swarm(host)
    state = swarm["LocalNodeState"]
    if state == "active" and not swarm["ControlAvailable"]:
        raise EngineError(
            f"the Docker engine at {host} is a Swarm worker; services are made on a manager\n"
            "  use a manager's engine (DOCKER_HOST), or `docker swarm leave` here"
        )
    if state not in ("active", "inactive") or swarm.get("Error"):
        raise EngineError(
            f"the Swarm of the Docker engine at {host} is {state}: {swarm.get('Error') or 'no reason given'}\n"
            f"  {'stop it by `make down`, then try again' if own else 'mend it first: `docker info` says more'}"
        )
    if state == "active":
        step.done("active")
        return
    if own:
        # By default every dockerd of a machine uses the one bridge docker_gwbridge: ours gets its own.
        if "docker_gwbridge" not in _docker(host, "network", "ls", "--format", "{{.Name}}").split():
            options = {
                "com.docker.network.bridge.name": network.gateway_bridge_name(),
                "com.docker.network.bridge.enable_icc": "false",
                "com.docker.network.bridge.enable_ip_masquerade": "true",
                "com.docker.network.driver.mtu": str(network.uplink_mtu()),
            }
            arguments = [argument for name, value in options.items() for argument in ("--opt", f"{name}={value}")]
            _docker(host, "network", "create", *arguments, "docker_gwbridge")
        # Swarm's ports are fixed but for this one; a second engine gets another address of the loopback.
        address = network.free_loopback(SWARM_PORTS)
        data = ["--data-path-port", str(network.free_port(VXLAN_PORT))]
        _docker(host, "swarm", "init", "--advertise-addr", address, "--listen-addr", address, *data)
        step.done(f"made a one-node Swarm on {address}")
    else:
        _docker(host, "swarm", "init", "--advertise-addr", "127.0.0.1")
        cluster = _docker(host, "info", "--format", "{{.Swarm.Cluster.ID}}")
        home.replace(_made_swarm(), json.dumps({"host": host, "cluster": cluster}) + "\n")
        step.done(f"made a one-node Swarm of the Docker at {host}; `make down` undoes it")


def _settled_swarm(host: str) -> dict[str, Any]:
    """What Docker says of its Swarm, once a node that was just started has joined and has a leader."""
    deadline = time.monotonic() + SETTLE_SECONDS
    while True:
        swarm: dict[str, Any] = json.loads(_docker(host, "info", "--format", "{{json .Swarm}}"))
        unsettled = swarm["LocalNodeState"] == "pending" or (swarm["ControlAvailable"] and swarm.get("Error"))
        if not unsettled or time.monotonic() > deadline:
            return swarm
        time.sleep(POLL_SECONDS)


def leave_swarm() -> bool:
    """Undo the Swarm that we made of the machine's own Docker, unless others use it by now.

    Returns:
        Whether there was one to undo.

    Raises:
        EngineError: That Docker refuses.
    """
    try:
        made = json.loads(_made_swarm().read_text())
    except FileNotFoundError:
        return False
    line = "{{.Swarm.Cluster.ID}} {{.Swarm.Nodes}}"
    told = commands.output(["docker", "--host", made["host"], "info", "--format", line])
    ours = told == f"{made['cluster']} 1" and not services(made["host"])
    if ours:
        _docker(made["host"], "swarm", "leave", "--force")
    _made_swarm().unlink()
    return ours


def services(host: str) -> dict[str, list[str]]:
    """The services that the engine runs, by their stack (`mcp-fleet.stack`, or "" for others); none if it's down."""
    ids = (commands.output(["docker", "--host", host, "service", "ls", "--quiet"]) or "").split()
    if not ids:
        return {}
    line = '{{.Spec.Name}} {{index .Spec.Labels "mcp-fleet.stack"}}'
    found: dict[str, list[str]] = {}
    for told in _docker(host, "service", "inspect", "--format", line, *ids).splitlines():
        name, _, stack = told.partition(" ")
        found.setdefault(stack, []).append(name)
    return found


def _daemon() -> Daemon:
    program = shutil.which("dockerd") or "/usr/sbin/dockerd"
    # A containerd that the machine runs already is shared: by namespaces, which older dockerds only take as flags.
    namespaces = (
        f"--containerd-namespace=mcpf-{network.mark()}",
        f"--containerd-plugins-namespace=mcpf-plugins-{network.mark()}",
    )
    return Daemon("dockerd", (program, "--config-file", str(_configuration_file()), *namespaces))


def _unmount(*folders: Path) -> None:
    """Undo what dockerd leaves mounted: its data folder, file systems and network namespaces of killed containers.

    An interface of a container lives as long as the mount of its network namespace.
    """
    points = [Path(line.split()[1]) for line in Path("/proc/mounts").read_text().splitlines()]
    for point in reversed(points):
        if any(point == folder or folder in point.parents for folder in folders):
            subprocess.run(["umount", str(point)], check=True)


def _made_swarm() -> Path:
    return home.home() / "swarm.json"


def _configuration_file() -> Path:
    return home.run() / "docker-daemon.json"


def _configured() -> dict[str, object]:
    """The settings that our dockerd was started with."""
    try:
        settings: dict[str, object] = json.loads(_configuration_file().read_text())
    except (FileNotFoundError, ValueError):
        return {}
    return settings


def _own_host() -> str:
    return f"unix://{home.run() / 'docker.sock'}"


def _answers() -> bool:
    return bool(_version())


def _version() -> str:
    told = commands.output(["docker", "--host", _own_host(), "version", "--format", "{{.Server.Version}}"])
    return f"Docker {told}" if told else ""


def _docker(host: str, *arguments: str) -> str:
    done = subprocess.run(["docker", "--host", host, *arguments], capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise EngineError(f"docker {' '.join(arguments[:2])} on {host} failed: {done.stderr.strip()}")
    return done.stdout.strip()
