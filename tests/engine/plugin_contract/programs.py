"""The programs of the contract test: one service with every field that a stack may rely on, and small ones."""

import base64
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import pulumi
import pulumi_docker as docker

SERVING = ["-c", "echo ready > /tmp/healthy; exec sleep 3600"]
"""Arguments of a shell that becomes healthy, and leaves on SIGTERM."""
NEVER_HEALTHY = ["-c", "exec sleep 3600"]
ENDING = ["-c", "exit 3"]
DEAF_TO_SIGTERM = ["-c", "trap '' TERM; echo ready > /tmp/healthy; while true; do sleep 1; done"]
HEALTHCHECK: docker.ServiceTaskSpecContainerSpecHealthcheckArgsDict = {
    "tests": ["CMD", "test", "-s", "/tmp/healthy"],
    "interval": "1s",
    "timeout": "30s",
    "start_period": "1m",
    "retries": 3,
}
"""Of a service that becomes healthy; patient, for a busy machine."""
IMPATIENT = {**HEALTHCHECK, "start_period": "0s", "retries": 1}
"""Of a service that does not."""
ROLLOUT = {
    "parallelism": 1,
    "delay": "0s",
    "monitor": "1s",
    "max_failure_ratio": "0.0",
    "order": "start-first",
}

Change = Callable[[dict[str, Any]], None]


@dataclass(frozen=True)
class Full:
    """A service with a network, a volume, a secret and a config.

    Attributes:
        prefix: of every name.
        image: with a shell, `sleep` and `test`.
        port: published on the host.
        secret: its text; the name of the Docker secret has a part of it, as a content hash would.
        config: likewise.
        create_first: whether secret and config have the resource option delete_before_replace=False.
        change: made to the service's arguments.
    """

    prefix: str
    image: str
    port: int
    secret: str = "first-secret-value"
    config: str = "first-config"
    create_first: bool = True
    change: Change = lambda arguments: None

    def but(self, **changes: Any) -> "Full":
        """The same program with something else in it."""
        return replace(self, **changes)

    def __call__(self) -> None:
        """Declare the stack."""
        rotated = pulumi.ResourceOptions(delete_before_replace=False if self.create_first else None)
        network = docker.Network("network", name=f"{self.prefix}-network", driver="overlay", attachable=True)
        volume = docker.Volume("volume", name=f"{self.prefix}-volume")
        secret = docker.Secret(
            "secret",
            name=f"{self.prefix}-secret-{len(self.secret)}",
            data=pulumi.Output.secret(base64.b64encode(self.secret.encode()).decode()),
            opts=rotated,
        )
        config = docker.ServiceConfig(
            "config", name=f"{self.prefix}-config-{len(self.config)}", data_raw=self.config, opts=rotated
        )
        arguments = self._service(network, volume, secret, config)
        self.change(arguments)
        docker.Service("service", **arguments)

    def _service(
        self, network: docker.Network, volume: docker.Volume, secret: docker.Secret, config: docker.ServiceConfig
    ) -> dict[str, Any]:
        place = {"file_uid": "1000", "file_gid": "1000", "file_mode": 0o400}
        container = {
            "image": self.image,
            "commands": ["sh"],
            "args": SERVING,
            "env": {"GREETING": "hello", "PASSWORD": pulumi.Output.secret("env-secret-value")},
            "user": "1000:1000",
            "init": True,
            "read_only": True,
            "cap_drops": ["ALL"],
            "stop_grace_period": "40s",
            "healthcheck": HEALTHCHECK,
            "labels": [{"label": "contract.container", "value": "fixed"}],
            "secrets": [{"secret_id": secret.id, "secret_name": secret.name, "file_name": "/run/secrets/s", **place}],
            "configs": [{"config_id": config.id, "config_name": config.name, "file_name": "/c.json", **place}],
            "mounts": [
                {"type": "volume", "source": volume.name, "target": "/data"},
                {"type": "tmpfs", "target": "/tmp", "tmpfs_options": {"size_bytes": 1 << 20, "mode": 0o777}},
            ],
        }
        return {
            "name": f"{self.prefix}-service",
            "labels": [{"label": "contract.z", "value": "1"}, {"label": "contract.a", "value": "2"}],
            "task_spec": {
                "container_spec": container,
                "networks_advanceds": [{"id": network.id, "aliases": ["service", "other"]}],
                "resources": {"limits": {"memory_bytes": 64 << 20, "nano_cpus": 200_000_000}},
                "restart_policy": {"condition": "any", "delay": "1s", "max_attempts": 0, "window": "0s"},
                "log_driver": {"name": "json-file", "options": {"max-size": "1m", "max-file": "2"}},
                "placement": {"constraints": ["node.role==manager"], "max_replicas": 0},
                "force_update": 0,
                "runtime": "container",
            },
            "mode": {"replicated": {"replicas": 1}},
            "update_config": {**ROLLOUT, "failure_action": "rollback", "order": "stop-first"},
            "rollback_config": {**ROLLOUT, "failure_action": "pause", "order": "stop-first"},
            "endpoint_spec": {
                "mode": "dnsrr",
                "ports": [
                    {
                        "name": "http",
                        "protocol": "tcp",
                        "target_port": 8080,
                        "published_port": self.port,
                        "publish_mode": "host",
                    }
                ],
            },
            "converge_config": {"delay": "1s", "timeout": "90s"},
        }


def in_container(**fields: Any) -> Change:
    """A change of the container's properties."""
    return lambda arguments: arguments["task_spec"]["container_spec"].update(fields)


def small(prefix: str, image: str, name: str, arguments: list[str], **options: Any) -> None:
    """Declare a service with little in it.

    Args:
        options: `grace`, `timeout` (of the convergence), `mounts`, `networks`.
    """
    container: docker.ServiceTaskSpecContainerSpecArgsDict = {
        "image": image,
        "commands": ["sh"],
        "args": arguments,
        "init": True,
        "stop_grace_period": options.get("grace", "40s"),
        "healthcheck": HEALTHCHECK,
        "mounts": options.get("mounts", []),
    }
    docker.Service(
        name,
        name=f"{prefix}-{name}",
        task_spec={
            "container_spec": container,
            "networks_advanceds": options.get("networks", []),
            "restart_policy": {"condition": "any", "delay": "1s", "max_attempts": 0, "window": "0s"},
        },
        endpoint_spec={"mode": "dnsrr"},
        converge_config={"delay": "1s", "timeout": options.get("timeout", "90s")},
    )
