"""Consul: the catalog of what is really serving."""

from dataclasses import dataclass

import pulumi

from .fleet import Fleet, data_volume
from .health_check import HealthCheck
from .swarm_service import Limits, SwarmService, swarm_service

PORT = 8500
USER = "100:1000"
LIMITS = Limits.of(cpus=0.5, mebibytes=256)
_DATA = "/consul/data"


@dataclass(frozen=True, kw_only=True)
class ConsulArgs:
    """Arguments of Consul. `image` carries a digest."""

    fleet: Fleet
    image: pulumi.Input[str]
    limits: Limits = LIMITS


@dataclass(frozen=True, kw_only=True)
class ConsulOutputs:
    """`url`: Consul's HTTP API inside the fleet's network."""

    url: pulumi.Output[str]
    service_id: pulumi.Output[str]


class Consul(pulumi.ComponentResource):
    """One Consul server with its data on a volume."""

    def __init__(self, name: str, args: ConsulArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("mcp-fleet:components:Consul", name, {}, opts)
        volume = data_volume(name, args.fleet, self)
        service = swarm_service(
            SwarmService(
                fleet=args.fleet,
                name=name,
                image=args.image,
                command=agent_command(),
                user=USER,
                limits=args.limits,
                health=HealthCheck(probe=f"wget -q -O- http://127.0.0.1:{PORT}/v1/status/leader | grep -q :"),
                volumes={_DATA: volume.name},
            ),
            parent=self,
        )
        self.outputs = ConsulOutputs(url=pulumi.Output.from_input(f"http://{name}:{PORT}"), service_id=service.id)
        self.register_outputs(vars(self.outputs))


def agent_command() -> tuple[str, ...]:
    """Return the command line of a server that is its whole cluster.

    Consul's own protocols listen on the loopback address alone: nobody else takes part in them, and the address
    that Raft keeps on the volume then stays the same when Swarm gives the next container another one.
    """
    return (
        "consul",
        "agent",
        "-server",
        "-bootstrap-expect=1",
        "-node=consul",
        f"-data-dir={_DATA}",
        "-bind=127.0.0.1",
        "-client=0.0.0.0",
        "-log-level=warn",
        "-hcl=disable_update_check = true",
        "-hcl=leave_on_terminate = false",
        "-hcl=performance { raft_multiplier = 1 }",
        '-hcl=telemetry { prometheus_retention_time = "1h", disable_hostname = true }',
    )
