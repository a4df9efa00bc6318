"""A Swarm over a tunnel: hosts as cloud-init makes them, and their stack. WireGuard itself runs in userspace."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

import yaml

from components.hosts.cloud_init import USER, user_data
from components.hosts.machine_keys import machine_keys
from dev.cloud.first_start import File
from dev.cloud.machine import Machine
from dev.errors import EngineError

from .swarm_stack import SwarmStack

INTERFACE = "fleet0"


class TunnelStack(SwarmStack):
    """A Swarm over a tunnel. `keys` is the number of their keys."""

    program = "tunnel_program.py"
    keys = 1

    def asked(self, hosts: Sequence[Mapping[str, Any]]) -> Mapping[str, Any]:
        """What the program reads: as for a Swarm, but that the tunnel gives the hosts their addresses."""
        known = ("name", "machine", "address", "host_key")
        ends = [{**{key: host[key] for key in known}, "user": USER} for host in hosts]
        joining = [{**host, "user": USER} for host in hosts]
        for host in joining:
            del host["advertise_address"]
        return {"swarm": self.swarm, "hosts": joining, "ends": ends, "keys": self.keys, "docker": self.docker}

    def addresses(self) -> dict[str, str]:
        """Each host's address in the tunnel."""
        return dict(self.stack.outputs()["addresses"].value)


def files() -> dict[str, File]:
    """The files that cloud-init writes on a host of a tunnel."""
    told = yaml.safe_load(user_data(hostname="host", public_key="", keys=machine_keys("seed"), tunnel=True))
    return {
        file["path"]: File(content=file["content"], mode=int(file["permissions"], 8)) for file in told["write_files"]
    }


def succeeds(machine: Machine, *command: str) -> bool:
    """Whether a command in a host does."""
    try:
        machine.inside(*command)
    except EngineError:
        return False
    return True


def shown(machine: Machine, what: str) -> list[str]:
    """What the host's interface says of itself, a line each."""
    return machine.inside("wg", "show", INTERFACE, what).splitlines()


def peers(machine: Machine) -> set[str]:
    """The addresses in the tunnel of those that a host knows."""
    return {line.split()[1].partition("/")[0] for line in shown(machine, "allowed-ips")}


def public_key(machine: Machine) -> str:
    """The key of a host's end."""
    return shown(machine, "public-key")[0]


def node_addresses(through: Machine) -> dict[str, str]:
    """At which address each node of the Swarm that is ready is known."""
    ids = through.command("node", "ls", "--quiet").split()
    found = json.loads(through.command("node", "inspect", *ids))
    ready = [node for node in found if node["Status"]["State"] == "ready"]
    return {node["Description"]["Hostname"]: node["Status"]["Addr"] for node in ready}
