"""`mcp-gateway`: the gateway's container runs this as its first process."""

import asyncio
import logging
import signal
from pathlib import Path
from urllib.parse import urlsplit

from .agent import Settings, run
from .envoy.process import EnvoyError
from .logs import log_to_stdout
from .options import Options, read_secret

_log = logging.getLogger(__name__)


def main() -> None:
    """Run the command until SIGTERM or SIGINT. Exits with the reason where Envoy can't run or ends by itself."""
    options = Options("mcp-gateway", "Run Envoy, configured from the fleet's policy and from Consul.")
    options.add("port", "port for clients", kind=int, default=8080)
    options.add("metrics-port", "port for Prometheus: /metrics and /healthz", kind=int, default=9102)
    options.add("consul", "URL of Consul's HTTP API", default="http://consul:8500")
    options.add("policy", "URL of the policy service", default="http://policy:8090")
    options.add("prometheus", "URL of Prometheus, for /-/prometheus/; empty for none", default="http://prometheus:9090")
    options.add("otlp-endpoint", "OTLP receiver for traces, such as http://collector:4318; empty for none", default="")
    options.add("master-file", "the secret behind the fleet's internal tokens", kind=Path, required=True)
    options.add("service-dns", "host name of a server's replicas in Docker's DNS", default="{server}")
    options.add("notice-seconds", "how long a load balancer takes to see the end", kind=float, default=0.0)
    options.add("drain-seconds", "how long clients may take to leave at the end", kind=float, default=10.0)
    options.add("state-dir", "folder for Envoy's files", kind=Path, default=Path("/tmp/envoy"))  # noqa: S108 - a tmpfs
    options.add("concurrency", "Envoy's worker threads", kind=int, default=1)
    options.add("log-level", "debug, info, warning or error", default="info")
    given = options.parser.parse_args()
    log_to_stdout(given.log_level)
    prometheus, otlp = urlsplit(given.prometheus), urlsplit(given.otlp_endpoint)
    if given.otlp_endpoint and (otlp.scheme != "http" or not otlp.hostname):
        options.parser.error("--otlp-endpoint must be a URL such as http://collector:4318")
    settings = Settings(
        port=given.port,
        metrics_port=given.metrics_port,
        consul=given.consul,
        policy=given.policy,
        master=read_secret(given.master_file),
        service_dns=given.service_dns,
        notice_seconds=given.notice_seconds,
        drain_seconds=given.drain_seconds,
        state_dir=given.state_dir,
        concurrency=given.concurrency,
        prometheus=(prometheus.hostname, prometheus.port or 80) if prometheus.hostname else None,
        otlp=(otlp.hostname, otlp.port or 4318) if otlp.hostname else None,
    )
    try:
        asyncio.run(_run(settings))
    except* (EnvoyError, OSError) as errors:
        for error in errors.exceptions:
            _log.error("%s", error)
        raise SystemExit(1) from None


async def _run(settings: Settings) -> None:
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    await run(settings, stop)
