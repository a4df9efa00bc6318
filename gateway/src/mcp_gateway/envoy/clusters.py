"""The clusters (CDS): one a server, its replicas inline.

No EDS: each EDS file costs an inotify instance, and a host has 128 of those for all its containers.
"""

from mcp_gateway.catalog import Upstream

from .names import Resource, typed

CONNECT_SECONDS = 0.5
"""Replicas are a network hop away: one that takes longer is gone, and the request goes to another."""
CHECK_SECONDS = 0.5
CHECK_TIMEOUT_SECONDS = 1


def cluster_name(server: str) -> str:
    """Return the name of the cluster of a server's replicas."""
    return server


def cluster(upstream: Upstream) -> Resource:
    """Return the cluster of one server's replicas, possibly none."""
    endpoints = [
        {"endpoint": {"address": {"socket_address": {"address": address, "port_value": port}}}}
        for address, port in upstream.endpoints
    ]
    name = cluster_name(upstream.server)
    return {
        "name": name,
        "type": "STATIC",
        "lb_policy": "LEAST_REQUEST",
        "connect_timeout": f"{CONNECT_SECONDS}s",
        "load_assignment": {"cluster_name": name, "endpoints": [{"lb_endpoints": endpoints}] if endpoints else []},
        # With no healthy replica left, say so: never send to all of them in the hope that one lives.
        "common_lb_config": {"healthy_panic_threshold": {"value": 0}},
        "health_checks": [_ready_check()],
        "outlier_detection": _outliers(),
        "upstream_connection_options": {
            "tcp_keepalive": {"keepalive_time": 60, "keepalive_interval": 15, "keepalive_probes": 4}
        },
        "typed_extension_protocol_options": {
            "envoy.extensions.upstreams.http.v3.HttpProtocolOptions": typed(
                "extensions.upstreams.http.v3.HttpProtocolOptions",
                # Below the replica's own keep-alive, or a request could meet a connection that is just being closed.
                common_http_protocol_options={"idle_timeout": "4s"},
                explicit_http_config={"http_protocol_options": {}},
            )
        },
    }


def named_cluster(name: str, host: str, port: int) -> Resource:
    """Return the cluster of one address, found by DNS; a host name that isn't there yet delays nothing."""
    endpoint = {"endpoint": {"address": {"socket_address": {"address": host, "port_value": port}}}}
    return {
        "name": name,
        "type": "STRICT_DNS",
        "dns_lookup_family": "V4_ONLY",
        "wait_for_warm_on_init": False,
        "connect_timeout": f"{CONNECT_SECONDS}s",
        "load_assignment": {"cluster_name": name, "endpoints": [{"lb_endpoints": [endpoint]}]},
    }


def _ready_check() -> Resource:
    # Without traffic Envoy would check once a minute; a replica that comes or goes must be seen at once.
    return {
        "http_health_check": {"path": "/ready"},
        "timeout": f"{CHECK_TIMEOUT_SECONDS}s",
        "interval": f"{CHECK_SECONDS}s",
        "no_traffic_interval": f"{CHECK_SECONDS}s",
        "no_traffic_healthy_interval": "2s",
        "healthy_threshold": 1,
        "unhealthy_threshold": 2,
    }


def _outliers() -> Resource:
    # Only what says that the replica is broken: a tool may well answer 500.
    return {
        "enforcing_consecutive_5xx": 0,
        "enforcing_success_rate": 0,
        "consecutive_gateway_failure": 5,
        "enforcing_consecutive_gateway_failure": 100,
        "split_external_local_origin_errors": True,
        "consecutive_local_origin_failure": 3,
        "enforcing_local_origin_success_rate": 0,
        "interval": "1s",
        "base_ejection_time": "2s",
        "max_ejection_time": "30s",
        "max_ejection_percent": 50,
    }
