"""The program of the tunnel tests, as somebody else might write it: `hosts.json` says what it is made of."""

import json
from pathlib import Path

import pulumi
import pulumi_docker as docker

from components.overlay_network import OverlayNetwork, OverlayNetworkArgs
from components.swarm import Swarm, SwarmArgs, SwarmHost
from components.tunnel import MTU, Tunnel, TunnelArgs, TunnelHost

asked = json.loads(Path("hosts.json").read_text())
login = pulumi.Config().require_secret("private-key")
tunnel = Tunnel(
    "tunnel",
    TunnelArgs(
        hosts=[TunnelHost(**host) for host in asked["ends"]], private_key=login, keys=asked["keys"], ready_seconds=60
    ),
)
addresses = tunnel.outputs.addresses
swarm = Swarm(
    "swarm",
    SwarmArgs(
        swarm=asked["swarm"],
        hosts=[SwarmHost(**host, advertise_address=addresses[host["name"]]) for host in asked["hosts"]],
        private_key=login,
        ready_seconds=60,
        drain_seconds=120,
    ),
    opts=pulumi.ResourceOptions(depends_on=[tunnel]),
)
provider = docker.Provider("manager", host=asked["docker"], opts=pulumi.ResourceOptions(depends_on=[swarm]))
OverlayNetwork(
    "overlay",
    OverlayNetworkArgs(network="overlay", mtu=MTU),
    opts=pulumi.ResourceOptions(providers=[provider], depends_on=[swarm]),
)
pulumi.export("addresses", addresses)
