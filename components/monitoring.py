"""Prometheus, and Grafana with the fleet's overview where its image can be had."""

from dataclasses import dataclass

import pulumi
import pulumi_random as random
import yaml

from .fleet import Fleet, data_volume
from .health_check import wget_get
from .swarm_files import ServiceFiles
from .swarm_service import Limits, SwarmService, swarm_service

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
    """Arguments of Monitoring. Images carry a digest.

    Arguments:
        prometheus_config: the text of Prometheus' configuration file.
        grafana_image: None runs no Grafana.
        dashboard: the JSON of the one dashboard.
        grafana_port: Grafana's port on the host.
    """

    fleet: Fleet

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
        volume = data_volume("prometheus", args.fleet, self)
        files = ServiceFiles(parent=self, fleet=args.fleet, owner="prometheus", user=PROMETHEUS_USER)
        swarm_service(
            SwarmService(
                fleet=args.fleet,
                name="prometheus",
                image=args.prometheus_image,
                command=(
                    "prometheus",
                    f"--config.file={_CONFIG}",
                    "--storage.tsdb.path=/prometheus",
                    f"--storage.tsdb.retention.time={RETENTION}",
                ),
                user=PROMETHEUS_USER,
                limits=args.prometheus_limits,
                health=wget_get(PROMETHEUS_PORT, "/-/ready"),
                configs=[files.config("config", args.prometheus_config, _CONFIG)],
                volumes={"/prometheus": volume.name},
                stop_seconds=30,
            ),
            parent=self,
        )

    def _grafana(self, args: MonitoringArgs, image: pulumi.Input[str]) -> pulumi.Output[str]:
        password = random.RandomPassword(
            "grafana", random.RandomPasswordArgs(length=32, special=False), opts=pulumi.ResourceOptions(parent=self)
        ).result
        files = ServiceFiles(parent=self, fleet=args.fleet, owner="grafana", user=GRAFANA_USER)
        swarm_service(
            SwarmService(
                fleet=args.fleet,
                name="grafana",
                image=image,
                command=("/run.sh",),
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
                secrets=[files.secret("password", password, _PASSWORD)],
                configs=[
                    files.config("datasource", grafana_datasource(), f"{_PROVISIONING}/datasources/prometheus.yml"),
                    files.config("provider", grafana_provider(), f"{_PROVISIONING}/dashboards/fleet.yml"),
                    files.config("dashboard", args.dashboard, f"{_DASHBOARDS}/overview.json"),
                ],
                ports={GRAFANA_PORT: args.grafana_port},
                start_seconds=60,
            ),
            parent=self,
        )
        return password


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
