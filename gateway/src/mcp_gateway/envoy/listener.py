"""The listener (LDS): written once, when Envoy starts."""

from collections.abc import Sequence

from .filters import MCP_HEADER_PREFIX
from .names import LISTENER, MCP, ROUTES, STAT_PREFIX, Resource, typed
from .replies import local_replies

REQUEST_HEADERS_SECONDS = 10
IDLE_CONNECTION_SECONDS = 3600
_SOL_SOCKET, _SO_KEEPALIVE, _IPPROTO_TCP, _TCP_KEEPIDLE, _TCP_KEEPINTVL, _TCP_KEEPCNT = 1, 9, 6, 4, 5, 6


def listener(port: int, filters: Sequence[Resource], routes: Resource, tracing: Resource | None) -> Resource:
    """Return the listener on all addresses at `port`. `routes` holds either `rds` or `route_config`.

    Without `tracing`, a client's `traceparent` goes on to the replica as it came.
    """
    manager = typed(
        "extensions.filters.network.http_connection_manager.v3.HttpConnectionManager",
        stat_prefix=STAT_PREFIX,
        use_remote_address=True,
        normalize_path=True,
        merge_slashes=True,
        path_with_escaped_slashes_action="REJECT_REQUEST",
        always_set_request_id_in_response=True,
        server_header_transformation="PASS_THROUGH",
        request_headers_timeout=f"{REQUEST_HEADERS_SECONDS}s",
        # Streams may be silent for long: routes set the limit; this one is for requests without a route.
        stream_idle_timeout="60s",
        common_http_protocol_options={"idle_timeout": f"{IDLE_CONNECTION_SECONDS}s"},
        early_header_mutation_extensions=[_strip_identity()],
        local_reply_config=local_replies(),
        access_log=[_access_log()],
        http_filters=list(filters),
        **({} if tracing is None else {"tracing": tracing}),
        **routes,
    )
    return {
        "name": LISTENER,
        "address": {"socket_address": {"address": "0.0.0.0", "port_value": port}},  # noqa: S104 - the public port
        "socket_options": _keepalive(),
        "filter_chains": [
            {"filters": [{"name": "envoy.filters.network.http_connection_manager", "typed_config": manager}]}
        ],
    }


def discovered_routes(path: str) -> Resource:
    """Return the HCM's reference to the routes in a file (RDS)."""
    source = {"resource_api_version": "V3", "path_config_source": {"path": path}}
    return {"rds": {"route_config_name": ROUTES, "config_source": source}}


def _strip_identity() -> Resource:
    # Before routing and every filter, so that nobody outside can pretend to be a client or the gateway.
    mutation = {"remove_on_match": {"key_matcher": {"prefix": MCP_HEADER_PREFIX}}}
    return {
        "name": "envoy.http.early_header_mutation.header_mutation",
        "typed_config": typed(
            "extensions.http.early_header_mutation.header_mutation.v3.HeaderMutation", mutations=[mutation]
        ),
    }


def _keepalive() -> list[Resource]:
    """Find within two minutes that a client of a silent stream is gone."""
    options = (
        (_SOL_SOCKET, _SO_KEEPALIVE, 1),
        (_IPPROTO_TCP, _TCP_KEEPIDLE, 60),
        (_IPPROTO_TCP, _TCP_KEEPINTVL, 15),
        (_IPPROTO_TCP, _TCP_KEEPCNT, 4),
    )
    return [
        {"level": level, "name": name, "int_value": value, "state": "STATE_PREBIND"} for level, name, value in options
    ]


def _access_log() -> Resource:
    """One JSON line a request, of fields that can hold no secret: neither header values nor the query."""
    fields = {
        "event": "request",
        "time": "%START_TIME(%Y-%m-%dT%H:%M:%S.%3fZ)%",
        "client": "%REQ(X-MCP-CLIENT)%",
        "server": "%ROUTE_NAME%",
        "http_method": "%REQ(:METHOD)%",
        "path": "%PATH(NQ:PATH)%",
        "method": f"%DYNAMIC_METADATA({MCP}:method)%",
        "tool": f"%DYNAMIC_METADATA({MCP}:params:name)%",
        "status": "%RESPONSE_CODE%",
        "detail": "%RESPONSE_CODE_DETAILS%",
        "flags": "%RESPONSE_FLAGS%",
        "duration_ms": "%DURATION%",
        "bytes_received": "%BYTES_RECEIVED%",
        "bytes_sent": "%BYTES_SENT%",
        "request_id": "%REQ(X-REQUEST-ID)%",
        "upstream": "%UPSTREAM_HOST%",
        "address": "%DOWNSTREAM_REMOTE_ADDRESS_WITHOUT_PORT%",
    }
    return {
        "name": "envoy.access_loggers.stdout",
        "filter": {"not_health_check_filter": {}},
        "typed_config": typed(
            "extensions.access_loggers.stream.v3.StdoutAccessLog",
            log_format={"json_format": fields, "json_format_options": {"sort_properties": False}},
        ),
    }
