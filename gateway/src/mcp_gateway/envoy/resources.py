"""Everything that Envoy is told, as one immutable value."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from mcp_gateway.catalog import Upstream
from mcp_gateway.policy import Policy

from . import filters
from .clusters import cluster, prometheus_cluster
from .names import Resource
from .routes import route_configuration


@dataclass(frozen=True, kw_only=True)
class Resources:
    """What changes while Envoy runs: clusters by name, routes, and the configurations of the two filters."""

    clusters: Mapping[str, Resource]
    routes: Resource
    api_keys: Resource
    limits: Resource


def build(
    policy: Policy, upstreams: Iterable[Upstream], *, master: str, prometheus: tuple[str, int] | None
) -> Resources:
    """Return Envoy's resources for a policy and the servers there are.

    Arguments:
        policy: the clients, their keys, and what each may use.
        upstreams: the servers to route, with the addresses of their replicas.
        master: the secret behind each server's gateway token.
        prometheus: host and port of the fleet's Prometheus, for the operator; None where there is none.
    """
    clusters = {resource["name"]: resource for resource in map(cluster, upstreams)}
    routes = route_configuration(policy, clusters, master=master, prometheus=prometheus is not None)
    if prometheus is not None:
        fixed = prometheus_cluster(*prometheus)
        clusters[fixed["name"]] = fixed
    return Resources(clusters=clusters, routes=routes, api_keys=filters.api_keys(policy), limits=filters.limits(policy))
