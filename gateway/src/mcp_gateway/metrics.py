"""What the agent counts of its own work, and the endpoint where Prometheus reads it together with Envoy's stats."""

from collections.abc import Awaitable, Callable
from http import HTTPStatus

from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from .envoy.admin import AdminError


class Metrics:
    """The agent's metrics."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self.changes = Counter(
            "mcp_gateway_changes",
            "Changes of Envoy's configuration: applied, rejected by validation, or failed to be confirmed.",
            ["result"],
            registry=self.registry,
        )
        self.apply_seconds = Histogram(
            "mcp_gateway_apply_seconds",
            "From a change of policy or replicas to Envoy using it, validation included.",
            buckets=(0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10),
            registry=self.registry,
        )
        self.endpoints = Gauge(
            "mcp_gateway_endpoints", "Replicas that get traffic.", ["server"], registry=self.registry
        )
        self.unverified = Gauge(
            "mcp_gateway_unverified_endpoints",
            "Registrations whose address Docker does not list under their server's name: late, or false.",
            registry=self.registry,
        )
        self.policy = Gauge("mcp_gateway_policy_info", "The policy in use.", ["version"], registry=self.registry)
        self.policy_contact = Gauge(
            "mcp_gateway_policy_last_contact_timestamp_seconds",
            "When the policy service last answered.",
            registry=self.registry,
        )
        self.consul_contact = Gauge(
            "mcp_gateway_consul_last_contact_timestamp_seconds",
            "When Consul last answered.",
            registry=self.registry,
        )
        for result in ("applied", "rejected", "failed"):
            self.changes.labels(result=result)


def application(
    metrics: Metrics, envoy_stats: Callable[[], Awaitable[str]], is_serving: Callable[[], bool]
) -> Starlette:
    """Return the endpoint: /metrics, and /healthz, which is 200 while Envoy has a configuration and serves.

    Arguments:
        envoy_stats: returns Envoy's stats in Prometheus' text format; may raise AdminError.
        is_serving: whether Envoy runs on a configuration of ours.
    """

    async def read_metrics(_: Request) -> Response:
        own = generate_latest(metrics.registry)
        try:
            envoy = (await envoy_stats()).encode() if is_serving() else b""
        except AdminError as error:
            return JSONResponse({"error": str(error)}, status_code=HTTPStatus.SERVICE_UNAVAILABLE)
        return Response(own + envoy, headers={"content-type": CONTENT_TYPE_LATEST})

    async def health(_: Request) -> Response:
        if is_serving():
            return JSONResponse({"status": "ok"})
        return JSONResponse({"status": "starting"}, status_code=HTTPStatus.SERVICE_UNAVAILABLE)

    return Starlette(routes=[Route("/metrics", read_metrics), Route("/healthz", health)])
