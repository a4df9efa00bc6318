"""The program of the Swarm tests, as somebody else might write it: `hosts.json` says what it is made of."""

import json
from pathlib import Path

import pulumi
import pulumi_docker as docker

from components.swarm import Swarm, SwarmArgs, SwarmHost

asked = json.loads(Path("hosts.json").read_text())
config = pulumi.Config()
swarm = Swarm(
    "swarm",
    SwarmArgs(
        swarm=asked["swarm"],
        hosts=[SwarmHost(**host) for host in asked["hosts"]],
        private_key=config.require_secret("private-key"),
        ready_seconds=60,
        drain_seconds=120,
    ),
)
pulumi.export("nodes", swarm.outputs.nodes)
if asked["docker"]:
    provider = docker.Provider("manager", host=asked["docker"], opts=pulumi.ResourceOptions(depends_on=[swarm]))
    docker.Network(
        "network",
        name="kept",
        driver="overlay",
        opts=pulumi.ResourceOptions(provider=provider, depends_on=[swarm]),
    )
