"""How Envoy traces: a span for each request, child of what the client sent, parent of the replica's, sent by OTLP."""

from mcp_wire import headers

from .names import OTLP, Resource, typed

SERVICE_NAME = "gateway"
SEND_SECONDS = 5
RECORDED_PERCENT = 10
"""Of the requests whose client names no trace: recording each would cost a bridge more than a tenth of its speed."""


def tracing(host: str, port: int) -> Resource:
    """Return the tracing part of the connection manager; `host` and `port` are the receiver's, of the cluster OTLP.

    Where a client names its trace, it says whether the request is recorded.
    """
    uri = {"uri": f"http://{host}:{port}/v1/traces", "cluster": OTLP, "timeout": f"{SEND_SECONDS}s"}
    config = typed(
        "config.trace.v3.OpenTelemetryConfig",
        http_service={"http_uri": uri},
        service_name=SERVICE_NAME,
        sampler=_sampler("parent_based", "ParentBased", wrapped_sampler=_ratio()),
    )
    return {
        "provider": {"name": "envoy.tracers.opentelemetry", "typed_config": config},
        # The sampler decides; less here would drop spans of clients that record theirs.
        "random_sampling": {"value": 100},
        # Envoy's own tag has the query in it, which may hold what is nobody's business.
        "max_path_tag_length": 0,
        "custom_tags": [
            {"tag": "mcp_gateway.client", "request_header": {"name": headers.CLIENT}},
            {"tag": "mcp_gateway.server", "value": "%ROUTE_NAME%"},
        ],
    }


def _ratio() -> Resource:
    percentage = {"numerator": RECORDED_PERCENT, "denominator": "HUNDRED"}
    return _sampler("trace_id_ratio_based", "TraceIdRatioBased", sampling_percentage=percentage)


def _sampler(name: str, message: str, **fields: object) -> Resource:
    config = typed(f"extensions.tracers.opentelemetry.samplers.v3.{message}SamplerConfig", **fields)
    return {"name": f"envoy.tracers.opentelemetry.samplers.{name}", "typed_config": config}
