"""What Envoy is started with: where its files are, and its admin interface, on a socket for the agent alone."""

from pathlib import Path

from .names import Resource, typed

MAX_CONNECTIONS = 20_000
"""Of clients, all together; each costs memory and a file descriptor."""


def bootstrap(admin_socket: Path, listeners: Path, clusters: Path) -> Resource:
    """Return the bootstrap of a running Envoy. https://www.envoyproxy.io/docs/envoy/v1.40.0/api-v3/config/bootstrap/v3/bootstrap.proto"""
    return {
        "node": {"id": "gateway", "cluster": "gateway"},
        "admin": {"address": {"pipe": {"path": str(admin_socket), "mode": 0o600}}},
        "dynamic_resources": {"lds_config": _file(listeners), "cds_config": _file(clusters)},
        "overload_manager": {"resource_monitors": [_connection_limit()]},
        "application_log_config": {"log_format": {"json_format": _LOG_FORMAT}},
    }


def _connection_limit() -> Resource:
    monitor = "extensions.resource_monitors.downstream_connections.v3.DownstreamConnectionsConfig"
    return {
        "name": "envoy.resource_monitors.global_downstream_max_connections",
        "typed_config": typed(monitor, max_active_downstream_connections=MAX_CONNECTIONS),
    }


_LOG_FORMAT = {"time": "%Y-%m-%dT%T.%eZ", "level": "%l", "logger": "envoy.%n", "message": "%j"}


def static_bootstrap(listener: Resource, clusters: list[Resource]) -> Resource:
    """Return a bootstrap that holds everything itself: the only form of which Envoy's validation reads every part."""
    return {
        "node": {"id": "candidate", "cluster": "gateway"},
        "static_resources": {"listeners": [listener], "clusters": clusters},
    }


def _file(path: Path) -> Resource:
    return {"resource_api_version": "V3", "path_config_source": {"path": str(path)}}
