"""The one way in which the fleet runs a container: a hardened Docker Swarm service that gates the deployment."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import pulumi
import pulumi_docker as docker

from . import health_check
from .fleet import Fleet
from .health_check import BareHealthCheck, HealthCheck
from .swarm_files import MountedFile

MEBIBYTE = 1 << 20
RESTART_DELAY_SECONDS = 2
CONVERGE_DELAY_SECONDS = 3
"""When the provider first looks whether a new service runs; hardly one does before."""

CONVERGE_MARGIN_SECONDS = 60
"""How much longer than its containers' own starts and ends the pull and the scheduling of a service may take."""

UPDATE_MONITOR_SECONDS = 2
"""How long an updated replica is watched before the next one follows: it has passed its health check by then."""


@dataclass(frozen=True, kw_only=True)
class Limits:
    """What one container may use."""

    nano_cpus: pulumi.Input[int]
    memory_bytes: pulumi.Input[int]

    @classmethod
    def of(cls, *, cpus: float, mebibytes: int) -> "Limits":
        """Return the limits of `cpus` CPUs and `mebibytes` MiB of memory."""
        return cls(nano_cpus=int(cpus * 1_000_000_000), memory_bytes=mebibytes * MEBIBYTE)


@dataclass(frozen=True, kw_only=True)
class SwarmService:
    """What tells one service of the fleet from another.

    Arguments:
        fleet, name: the service is called `<fleet>-<name>`, and `name` inside the fleet's network.
        image: reference with a digest.
        command: the whole command line; the image's own entry point is not used.
        user: `uid:gid` inside the container.
        kind: what its label says it is.
        replicas: how many containers run.
        start_seconds: how long one container may take until its health check passes.
        stop_seconds: how long it may take to leave after SIGTERM before it is killed.
        start_first: start a new replica before the old one stops. Not with a volume or a published port.
        volumes: Docker volume names by mount path.
        ports: container ports by host port, published on the host itself.
        tmpfs_mebibytes: size of /tmp, the only other place that can be written to.
        constraints: which hosts may run it, such as `node.labels.zone == eu-west-1a`; the fleet's own for services with
            volumes come on top.
        spread: labels over whose values the replicas are spread evenly, such as `node.labels.place`.
    """

    fleet: Fleet
    name: str
    image: pulumi.Input[str]
    command: Sequence[pulumi.Input[str]]
    user: str
    limits: Limits
    health: HealthCheck | BareHealthCheck
    kind: Literal["server", "component"] = "component"
    environment: Mapping[str, pulumi.Input[str]] | None = None
    secrets: Sequence[MountedFile] = ()
    configs: Sequence[MountedFile] = ()
    volumes: Mapping[str, pulumi.Input[str]] | None = None
    ports: Mapping[int, pulumi.Input[int]] | None = None
    replicas: int = 1
    start_seconds: int = 60
    stop_seconds: int = 20
    start_first: bool = False
    tmpfs_mebibytes: int = 64
    constraints: Sequence[str] = ()
    spread: Sequence[str] = ()


def go_duration(seconds: int) -> str:
    """Return `seconds` as Docker reports it back ("1m30s", "1h"): any other spelling would be a change for ever."""
    minutes, rest = divmod(seconds, 60)
    hours, minutes = divmod(minutes, 60)
    parts = [f"{value}{unit}" for value, unit in ((hours, "h"), (minutes, "m"), (rest, "s")) if value]
    return "".join(parts) or "0s"


def swarm_service(service: SwarmService, parent: pulumi.Resource) -> docker.Service:
    """Create `service` as a child of `parent`."""
    return docker.Service(service.name, _service_args(service), opts=pulumi.ResourceOptions(parent=parent))


def _service_args(service: SwarmService) -> docker.ServiceArgs:
    """Return the inputs of `service`, every field set: what the provider fills in itself differs after a refresh."""
    return docker.ServiceArgs(
        name=pulumi.Output.concat(service.fleet.name, "-", service.name),
        labels=[
            docker.ServiceLabelArgs(label="mcp-fleet.stack", value=service.fleet.name),
            docker.ServiceLabelArgs(label="mcp-fleet.kind", value=service.kind),
            docker.ServiceLabelArgs(label="mcp-fleet.name", value=service.name),
        ],
        mode=docker.ServiceModeArgs(replicated=docker.ServiceModeReplicatedArgs(replicas=service.replicas)),
        endpoint_spec=_endpoint(service.ports or {}),
        update_config=docker.ServiceUpdateConfigArgs(
            parallelism=1,
            delay=go_duration(0),
            failure_action="rollback",
            monitor=go_duration(UPDATE_MONITOR_SECONDS),
            max_failure_ratio="0.0",
            order=_order(service),
        ),
        rollback_config=docker.ServiceRollbackConfigArgs(
            parallelism=1,
            delay=go_duration(0),
            failure_action="pause",
            monitor=go_duration(UPDATE_MONITOR_SECONDS),
            max_failure_ratio="0.0",
            order=_order(service),
        ),
        converge_config=docker.ServiceConvergeConfigArgs(
            delay=go_duration(CONVERGE_DELAY_SECONDS),
            timeout=go_duration(_update_seconds(service)),
        ),
        task_spec=_task(service),
    )


def _update_seconds(service: SwarmService) -> int:
    """How long a release may take until the last replica is a new one: they are replaced one after the other."""
    one = service.start_seconds + (0 if service.start_first else service.stop_seconds)
    return one * service.replicas + CONVERGE_MARGIN_SECONDS


def _order(service: SwarmService) -> str:
    return "start-first" if service.start_first else "stop-first"


def _endpoint(ports: Mapping[int, pulumi.Input[int]]) -> docker.ServiceEndpointSpecArgs:
    return docker.ServiceEndpointSpecArgs(
        mode="dnsrr",  # a virtual address needs IPVS, and would hide the replicas from the gateway
        ports=[
            docker.ServiceEndpointSpecPortArgs(
                name=f"port-{target}",
                protocol="tcp",
                target_port=target,
                published_port=published,
                publish_mode="host",
            )
            for target, published in ports.items()
        ],
    )


def _task(service: SwarmService) -> docker.ServiceTaskSpecArgs:
    return docker.ServiceTaskSpecArgs(
        container_spec=_container(service),
        resources=docker.ServiceTaskSpecResourcesArgs(
            limits=docker.ServiceTaskSpecResourcesLimitsArgs(
                nano_cpus=service.limits.nano_cpus, memory_bytes=service.limits.memory_bytes
            )
        ),
        restart_policy=docker.ServiceTaskSpecRestartPolicyArgs(
            condition="any", delay=go_duration(RESTART_DELAY_SECONDS), max_attempts=0, window=go_duration(0)
        ),
        log_driver=docker.ServiceTaskSpecLogDriverArgs(name="json-file", options={"max-size": "10m", "max-file": "3"}),
        placement=_placement(service),
        # By id: by name the provider sees a difference after each refresh. Aliases can't change without an outage.
        networks_advanceds=[
            docker.ServiceTaskSpecNetworksAdvancedArgs(id=service.fleet.network, aliases=[service.name])
        ],
        force_update=0,
        runtime="container",
    )


def _placement(service: SwarmService) -> docker.ServiceTaskSpecPlacementArgs | None:
    constraints = [*service.constraints, *(service.fleet.data_constraints if service.volumes else ())]
    if not constraints and not service.spread:
        return None
    return docker.ServiceTaskSpecPlacementArgs(
        constraints=constraints or None, prefs=list(service.spread) or None, max_replicas=0
    )


def _container(service: SwarmService) -> docker.ServiceTaskSpecContainerSpecArgs:
    command, *arguments = service.command
    return docker.ServiceTaskSpecContainerSpecArgs(
        image=service.image,
        commands=[command],
        args=arguments,
        env=dict(service.environment or {}),
        user=service.user,
        init=True,
        read_only=True,
        cap_drops=["ALL"],
        stop_grace_period=go_duration(service.stop_seconds),
        healthcheck=docker.ServiceTaskSpecContainerSpecHealthcheckArgs(
            tests=["CMD", *service.health.command],
            interval=go_duration(health_check.INTERVAL_SECONDS),
            timeout=go_duration(health_check.TIMEOUT_SECONDS),
            start_period=go_duration(service.start_seconds),
            retries=health_check.RETRIES,
        ),
        mounts=[
            docker.ServiceTaskSpecContainerSpecMountArgs(
                type="tmpfs",
                target="/tmp",  # noqa: S108 - the container's own
                tmpfs_options=docker.ServiceTaskSpecContainerSpecMountTmpfsOptionsArgs(
                    size_bytes=service.tmpfs_mebibytes * MEBIBYTE,
                    mode=0o777,  # the provider loses a sticky bit, and sees a difference for ever
                ),
            ),
            *(
                docker.ServiceTaskSpecContainerSpecMountArgs(type="volume", target=path, source=volume)
                for path, volume in (service.volumes or {}).items()
            ),
        ],
        secrets=[
            docker.ServiceTaskSpecContainerSpecSecretArgs(
                secret_id=file.id,
                secret_name=file.name,
                file_name=file.path,
                file_uid=file.uid,
                file_gid=file.gid,
                file_mode=file.mode,
            )
            for file in service.secrets
        ],
        configs=[
            docker.ServiceTaskSpecContainerSpecConfigArgs(
                config_id=file.id,
                config_name=file.name,
                file_name=file.path,
                file_uid=file.uid,
                file_gid=file.gid,
                file_mode=file.mode,
            )
            for file in service.configs
        ],
    )
