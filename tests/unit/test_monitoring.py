"""The committed monitoring files: Prometheus' configuration and Grafana's dashboard."""

import json
import re

import yaml
from mcp_bridge.call_counts import CallCounts
from mcp_bridge.metrics import Metrics as BridgeMetrics
from mcp_bridge.metrics import Readings
from mcp_gateway.metrics import Metrics as GatewayMetrics
from prometheus_client.registry import Collector

from .stack_files import ROOT

DASHBOARD = json.loads((ROOT / "monitoring" / "overview.json").read_text())
PROMETHEUS = yaml.safe_load((ROOT / "monitoring" / "prometheus.yml").read_text())


def names(collector: Collector) -> set[str]:
    suffixes = {"counter": ("_total",), "histogram": ("_bucket", "_sum", "_count")}
    return {f"{family.name}{suffix}" for family in collector.collect() for suffix in suffixes.get(family.type, ("",))}


def test_the_dashboard_asks_only_for_metrics_that_exist() -> None:
    known = names(BridgeMetrics("time", CallCounts(), Readings(), None)) | names(GatewayMetrics().registry)
    asked = {
        metric
        for panel in DASHBOARD["panels"]
        for target in panel["targets"]
        for metric in re.findall(r"\bmcp_\w+", target["expr"])
    }
    assert asked
    assert asked <= known


def test_every_panel_uses_the_provisioned_data_source_and_has_a_place_of_its_own() -> None:
    taken: set[tuple[int, int]] = set()
    for panel in DASHBOARD["panels"]:
        assert {target["datasource"]["uid"] for target in panel["targets"]} == {"prometheus"}
        place = panel["gridPos"]
        cells = {
            (x, y)
            for x in range(place["x"], place["x"] + place["w"])
            for y in range(place["y"], place["y"] + place["h"])
        }
        assert not cells & taken, panel["title"]
        assert place["x"] + place["w"] <= 24
        taken |= cells


def test_prometheus_finds_servers_by_consul_and_the_rest_by_name() -> None:
    jobs = {job["job_name"]: job for job in PROMETHEUS["scrape_configs"]}
    assert jobs["fleet"]["consul_sd_configs"][0]["tags"] == ["metrics"]
    targets = {
        target for job in jobs.values() for group in job.get("static_configs", []) for target in group["targets"]
    }
    assert targets == {"consul:8500", "redis-exporter:9121", "registry:5001", "prometheus:9090"}
