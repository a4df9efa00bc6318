"""Everything that Envoy is told, as one immutable value."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from mcp_gateway.catalog import Upstream
from mcp_gateway.policy import Policy

from . import filters
from .clusters import cluster, named_cluster
from .names import OTLP, PROMETHEUS, Resource
from .routes import route_configuration
from .tracing import tracing


@dataclass(frozen=True, kw_only=True)
class Resources:
    """What Envoy is told: clusters by name, routes, and the configurations of the two filters, all of which change
    while it runs; and how it traces, which doesn't: None where it doesn't trace.
    """

    clusters: Mapping[str, Resource]
    routes: Resource
    api_keys: Resource
    limits: Resource
    tracing: Resource | None = None


def build(
    policy: Policy,
    upstreams: Iterable[Upstream],
    *,
    master: str,
    prometheus: tuple[str, int] | None,
    otlp: tuple[str, int] | None = None,
) -> Resources:
    """Return Envoy's resources for a policy and the servers there are.

    Arguments:
        policy: the clients, their keys, and what each may use.
        upstreams: the servers to route, with the addresses of their replicas.
        master: the secret behind each server's gateway token.
        prometheus: host and port of the fleet's Prometheus, for the operator; None where there is none.
        otlp: host and port of the receiver of traces; None for no traces.
    """
    clusters = {resource["name"]: resource for resource in map(cluster, upstreams)}
    routes = route_configuration(policy, clusters, master=master, prometheus=prometheus is not None)
    if prometheus is not None:
        clusters[PROMETHEUS] = named_cluster(PROMETHEUS, *prometheus)
    if otlp is not None:
        clusters[OTLP] = named_cluster(OTLP, *otlp)
    return Resources(
        clusters=clusters,
        routes=routes,
        api_keys=filters.api_keys(policy),
        limits=filters.limits(policy),
        tracing=None if otlp is None else tracing(*otlp),
    )
