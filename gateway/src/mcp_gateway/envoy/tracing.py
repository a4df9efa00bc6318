"""How Envoy traces: a span for each request, child of what the client sent, parent of the replica's, sent by OTLP."""

from mcp_wire import headers

from .names import OTLP, Resource, typed

SERVICE_NAME = "gateway"
SEND_SECONDS = 5


def tracing(host: str, port: int) -> Resource:
    """Return the tracing part of the connection manager; `host` and `port` are the receiver's, of the cluster OTLP.

    A client that does not record its own trace has none of ours either; of the others, all requests are recorded.
    """
    uri = {"uri": f"http://{host}:{port}/v1/traces", "cluster": OTLP, "timeout": f"{SEND_SECONDS}s"}
    config = typed("config.trace.v3.OpenTelemetryConfig", http_service={"http_uri": uri}, service_name=SERVICE_NAME)
    return {
        "provider": {"name": "envoy.tracers.opentelemetry", "typed_config": config},
        "random_sampling": {"value": 100},
        # Envoy's own tag has the query in it, which may hold what is nobody's business.
        "max_path_tag_length": 0,
        "custom_tags": [
            {"tag": "mcp_gateway.client", "request_header": {"name": headers.CLIENT}},
            {"tag": "mcp_gateway.server", "value": "%ROUTE_NAME%"},
        ],
    }
