"""Prometheus, and Grafana with the fleet's overview where its image can be had."""

from dataclasses import dataclass

import pulumi
import pulumi_docker as docker
import pulumi_random as random
import yaml

from .health_check import wget_get
from .swarm_files import MountedFile, mounted_config, mounted_secret
from .swarm_service import Limits, SwarmService, service_args

PROMETHEUS_PORT = 9090
PROMETHEUS_USER = "65534:65534"
GRAFANA_PORT = 3000
GRAFANA_USER = "472:0"
PROMETHEUS_LIMITS = Limits.of(cpus=0.5, mebibytes=512)
GRAFANA_LIMITS = Limits.of(cpus=0.5, mebibytes=256)
RETENTION = "15d"
_CONFIG = "/etc/mcp-fleet/prometheus.yml"
_PROVISIONING = "/etc/grafana/provisioning"
_DASHBOARDS = "/etc/mcp-fleet/dashboards"
_PASSWORD = "/run/secrets/grafana-password"  # noqa: S105 - a path


@dataclass(frozen=True, kw_only=True)
class MonitoringArgs:
    """Arguments of Monitoring. Images carry a digest; `network` is a network's id.

    Arguments:
        prometheus_config: the text of Prometheus' configuration file.
        grafana_image: None runs no Grafana.
        dashboard: the JSON of the one dashboard.
        grafana_port: Grafana's port on the host.
        name_key: the secret under which the contents of secrets are hashed into their names.
    """

    fleet: pulumi.Input[str]
    network: pulumi.Input[str]
    name_key: pulumi.Input[str]

    # prometheus
    prometheus_image: pulumi.Input[str]
    prometheus_config: pulumi.Input[str]
    prometheus_limits: Limits = PROMETHEUS_LIMITS

    # grafana
    dashboard: pulumi.Input[str]
    grafana_image: pulumi.Input[str] | None = None
    grafana_port: pulumi.Input[int] = GRAFANA_PORT
    grafana_limits: Limits = GRAFANA_LIMITS


@dataclass(frozen=True, kw_only=True)
class MonitoringOutputs:
    """`prometheus`: its URL inside the network. `grafana_password` (a secret) is None without Grafana."""

    prometheus: pulumi.Output[str]
    grafana_password: pulumi.Output[str] | None


class Monitoring(pulumi.ComponentResource):
    """Prometheus with its samples on a volume; Grafana, whose dashboard and data source are provisioned."""

    def __init__(self, name: str, args: MonitoringArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("mcp-fleet:components:Monitoring", name, {}, opts)
        self._prometheus(args)
        password = self._grafana(args, args.grafana_image) if args.grafana_image is not None else None
        self.outputs = MonitoringOutputs(
            prometheus=pulumi.Output.from_input(f"http://prometheus:{PROMETHEUS_PORT}"), grafana_password=password
        )
        self.register_outputs(vars(self.outputs))

    def _prometheus(self, args: MonitoringArgs) -> None:
        volume = docker.Volume(
            "prometheus",
            docker.VolumeArgs(name=pulumi.Output.concat(args.fleet, "-prometheus-data")),
            opts=pulumi.ResourceOptions(parent=self),
        )
        config = mounted_config(
            parent=self,
            fleet=args.fleet,
            owner="prometheus",
            what="config",
            content=args.prometheus_config,
            path=_CONFIG,
            user=PROMETHEUS_USER,
        )
        docker.Service(
            "prometheus",
            service_args(
                SwarmService(
                    fleet=args.fleet,
                    name="prometheus",
                    kind="component",
                    image=args.prometheus_image,
                    command=(
                        "prometheus",
                        f"--config.file={_CONFIG}",
                        "--storage.tsdb.path=/prometheus",
                        f"--storage.tsdb.retention.time={RETENTION}",
                    ),
                    network=args.network,
                    user=PROMETHEUS_USER,
                    limits=args.prometheus_limits,
                    health=wget_get(PROMETHEUS_PORT, "/-/ready"),
                    configs=[config],
                    volumes={"/prometheus": volume.name},
                    stop_seconds=30,
                )
            ),
            opts=pulumi.ResourceOptions(parent=self),
        )

    def _grafana(self, args: MonitoringArgs, image: pulumi.Input[str]) -> pulumi.Output[str]:
        password = random.RandomPassword(
            "grafana", random.RandomPasswordArgs(length=32, special=False), opts=pulumi.ResourceOptions(parent=self)
        ).result
        secret = mounted_secret(
            parent=self,
            fleet=args.fleet,
            owner="grafana",
            what="password",
            content=password,
            name_key=args.name_key,
            path=_PASSWORD,
            user=GRAFANA_USER,
        )
        docker.Service(
            "grafana",
            service_args(
                SwarmService(
                    fleet=args.fleet,
                    name="grafana",
                    kind="component",
                    image=image,
                    command=("/run.sh",),
                    network=args.network,
                    user=GRAFANA_USER,
                    limits=args.grafana_limits,
                    health=wget_get(GRAFANA_PORT, "/api/health"),
                    environment={
                        "GF_SECURITY_ADMIN_PASSWORD__FILE": _PASSWORD,
                        "GF_ANALYTICS_REPORTING_ENABLED": "false",
                        "GF_ANALYTICS_CHECK_FOR_UPDATES": "false",
                        "GF_PATHS_DATA": "/tmp/grafana",  # noqa: S108 - the container's own; all state is provisioned
                        "GF_DASHBOARDS_DEFAULT_HOME_DASHBOARD_PATH": f"{_DASHBOARDS}/overview.json",
                    },
                    secrets=[secret],
                    configs=self._grafana_configs(args),
                    ports={GRAFANA_PORT: args.grafana_port},
                    start_seconds=60,
                )
            ),
            opts=pulumi.ResourceOptions(parent=self),
        )
        return password

    def _grafana_configs(self, args: MonitoringArgs) -> list[MountedFile]:
        contents: list[tuple[str, pulumi.Input[str], str]] = [
            ("datasource", grafana_datasource(), f"{_PROVISIONING}/datasources/prometheus.yml"),
            ("provider", grafana_provider(), f"{_PROVISIONING}/dashboards/fleet.yml"),
            ("dashboard", args.dashboard, f"{_DASHBOARDS}/overview.json"),
        ]
        return [
            mounted_config(
                parent=self,
                fleet=args.fleet,
                owner="grafana",
                what=what,
                content=content,
                path=path,
                user=GRAFANA_USER,
            )
            for what, content, path in contents
        ]


def grafana_datasource() -> str:
    """Return the provisioning file of the one data source (https://grafana.com/docs/grafana/latest/administration/)."""
    source = {
        "name": "Prometheus",
        "uid": "prometheus",
        "type": "prometheus",
        "access": "proxy",
        "url": f"http://prometheus:{PROMETHEUS_PORT}",
        "isDefault": True,
    }
    return yaml.safe_dump({"apiVersion": 1, "datasources": [source]})


def grafana_provider() -> str:
    """Return the provisioning file that makes Grafana read the dashboards' folder."""
    provider = {"name": "fleet", "type": "file", "allowUiUpdates": False, "options": {"path": _DASHBOARDS}}
    return yaml.safe_dump({"apiVersion": 1, "providers": [provider]})
