"""The Docker engine: the machine's own if one answers, else a dockerd of ours beside it; in both, a one-node Swarm."""

import hashlib
import json
import os
import resource
import shutil
import socket
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from dev import commands, debian, home
from dev.daemons import Daemon
from dev.errors import EngineError
from dev.progress import Step

PACKAGES = ("docker.io", "runc", "iptables", "iproute2", "ca-certificates")
OPEN_FILES = 65536
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
        "bridge": bridge_name(),
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
    if daemon.pid() and _answers():
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
    runtime = (Path(__file__).parent / "runc_limited.py").read_text()
    home.replace(home.binaries() / "runc-limited", runtime, mode=0o755)
    _make_bridge()
    step.update("starting dockerd")
    daemon.start(_answers)
    step.done(f"own engine ({_version()}), started: no other Docker answers")


def stop_own() -> bool:
    """Stop our own dockerd if it runs, and what it left in the machine's network. Returns whether it ran."""
    ran = _daemon().stop()
    if sys.platform == "linux":
        for name in (bridge_name(), gateway_bridge_name()):
            if Path("/sys/class/net", name).exists():
                subprocess.run(["ip", "link", "delete", name], check=True)
    return ran


def join_swarm(host: str, *, own: bool, step: Step) -> None:
    """Make the engine a one-node Swarm unless it is in a Swarm already.

    Raises:
        EngineError: It is a worker, or its Swarm has no leader; or it can't be made one.
    """
    swarm = json.loads(_docker(host, "info", "--format", "{{json .Swarm}}"))
    state = swarm["LocalNodeState"]
    if state == "active":
        if not swarm["ControlAvailable"]:
            raise EngineError(
                f"the Docker engine at {host} is a Swarm worker; services are made on a manager\n"
                "  use a manager's engine (DOCKER_HOST), or `docker swarm leave` here"
            )
        step.done("active")
        return
    if state != "inactive":
        raise EngineError(f"the Swarm of the Docker engine at {host} is {state}: {swarm.get('Error', '')}".rstrip(": "))
    if own:
        # By default every dockerd of a machine uses the one bridge docker_gwbridge: ours gets its own.
        option = f"com.docker.network.bridge.name={gateway_bridge_name()}"
        masquerade = "com.docker.network.bridge.enable_ip_masquerade=true"
        no_icc = "com.docker.network.bridge.enable_icc=false"
        if "docker_gwbridge" not in _docker(host, "network", "ls", "--format", "{{.Name}}").split():
            create = ["network", "create", "--opt", option, "--opt", no_icc, "--opt", masquerade, "docker_gwbridge"]
            _docker(host, *create)
        # Swarm's ports are fixed but for this one; a second engine gets another address of the loopback.
        address = free_loopback(SWARM_PORTS)
        data = ["--data-path-port", str(free_port(VXLAN_PORT))]
        _docker(host, "swarm", "init", "--advertise-addr", address, "--listen-addr", address, *data)
        step.done(f"made a one-node Swarm on {address}")
    else:
        _docker(host, "swarm", "init", "--advertise-addr", "127.0.0.1")
        cluster = _docker(host, "info", "--format", "{{.Swarm.Cluster.ID}}")
        home.replace(_made_swarm(), json.dumps({"host": host, "cluster": cluster}) + "\n")
        step.done(f"made a one-node Swarm of the Docker at {host} ; `make down` undoes it")


def leave_swarm() -> bool:
    """Undo the Swarm that we made of the machine's own Docker, unless it has become another one.

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
    ours = told == f"{made['cluster']} 1"
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


def bridge_name() -> str:
    """The network interface of our containers; a name of 15 characters at most."""
    return f"mcpf-{_mark()}"


def gateway_bridge_name() -> str:
    """The interface that leads from overlay networks out of the machine."""
    return f"mcpg-{_mark()}"


def _make_bridge() -> None:
    """dockerd wants a bridge with a name of ours to exist, with its address."""
    name = bridge_name()
    if not Path("/sys/class/net", name).exists():
        subprocess.run(["ip", "link", "add", "name", name, "type", "bridge"], check=True)
        taken = commands.output(["ip", "-4", "route"]) or ""
        third = next(number for number in range(17, 255) if f"10.213.{number}." not in taken)
        subprocess.run(["ip", "address", "add", f"10.213.{third}.1/24", "dev", name], check=True)
    subprocess.run(["ip", "link", "set", name, "up"], check=True)


def _daemon() -> Daemon:
    program = shutil.which("dockerd") or "/usr/sbin/dockerd"
    # A containerd that the machine runs already is shared: by namespaces, which older dockerds only take as flags.
    namespaces = (f"--containerd-namespace=mcpf-{_mark()}", f"--containerd-plugins-namespace=mcpf-plugins-{_mark()}")
    return Daemon("dockerd", (program, "--config-file", str(_configuration_file()), *namespaces))


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


def _mark() -> str:
    """Tells the engines of two MCP_FLEET_HOMEs apart."""
    return hashlib.sha256(str(home.home()).encode()).hexdigest()[:8]


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


def free_loopback(ports: Sequence[int]) -> str:
    """The first address of the loopback, from 127.0.0.1, where nothing has any of these TCP ports.

    Raises:
        EngineError: There is none among the first hundred.
    """
    for last in range(1, 101):
        address = f"127.0.0.{last}"
        if all(_is_free(address, port, socket.SOCK_STREAM) for port in ports):
            return address
    raise EngineError(f"ports {ports} are taken on 127.0.0.1 to 127.0.0.100\n  `ss -lntp` shows who has them")


def free_port(first: int) -> int:
    """The first UDP port from `first` on that nothing on this machine has: Swarm takes none that the kernel chooses.

    Raises:
        EngineError: The next hundred ports are all taken.
    """
    for port in range(first, first + 100):
        if _is_free("0.0.0.0", port, socket.SOCK_DGRAM):  # noqa: S104 - only tried: VXLAN needs it on every address
            return port
    raise EngineError(f"no free port from {first} to {first + 99} for the Swarm\n  `ss -lnup` shows who has them")


def _is_free(address: str, port: int, kind: socket.SocketKind) -> bool:
    with socket.socket(socket.AF_INET, kind) as probe:
        try:
            probe.bind((address, port))
        except OSError:
            return False
        return True
