"""The program of the Swarm tests, as somebody else might write it: `hosts.json` says what it is made of."""

import json
from pathlib import Path

import pulumi
import pulumi_docker as docker

from components.swarm import Swarm, SwarmArgs, SwarmHost

asked = json.loads(Path("hosts.json").read_text())
config = pulumi.Config()
# What is deleted with it is not asked to go: it stands for machines that the stack makes, and that go too.
machines = pulumi.ComponentResource("tests:index:Machines", "machines") if asked["machines_go"] else None
swarm = Swarm(
    "swarm",
    SwarmArgs(
        swarm=asked["swarm"],
        hosts=[SwarmHost(**host) for host in asked["hosts"]],
        private_key=config.require_secret("private-key"),
        ready_seconds=asked["ready_seconds"],
        drain_seconds=120,
    ),
    opts=pulumi.ResourceOptions(deleted_with=machines),
)
pulumi.export("nodes", swarm.outputs.nodes)
if asked["docker"]:
    provider = docker.Provider("manager", host=asked["docker"], opts=pulumi.ResourceOptions(depends_on=[swarm]))
    docker.Network(
        "network",
        name="kept",
        driver="overlay",
        opts=pulumi.ResourceOptions(provider=provider, depends_on=[swarm], deleted_with=machines),
    )
