"""Spans of calls as OTLP (https://opentelemetry.io/docs/specs/otlp/), named by OpenTelemetry's conventions for MCP.

https://github.com/open-telemetry/semantic-conventions-genai/blob/main/docs/gen-ai/mcp.md. Left out on purpose:
arguments and results, session ids, with which one can act for a client, and resource URIs, which may hold secrets.

The messages are OpenTelemetry's own package; its SDK isn't used, since a span of it costs as much as a call does.
"""

from collections.abc import Iterable, Mapping
from typing import Final

import msgspec
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, InstrumentationScope, KeyValue
from opentelemetry.proto.resource.v1.resource_pb2 import Resource
from opentelemetry.proto.trace.v1.trace_pb2 import ResourceSpans, ScopeSpans, Span, Status

from .core.spans import Span as Place
from .metrics import OTHER, CallLabels

MAX_ID_CHARACTERS: Final = 64
_SERVER: Final = Span.SpanKind.SPAN_KIND_SERVER


class EndedCall(msgspec.Struct, frozen=True, gc=False):
    """What a span tells of a call. Times are in nanoseconds of the wall clock."""

    place: Place
    labels: CallLabels
    revision: str
    client: str
    request_id: str
    rpc_id: str
    start: int
    end: int


class Encoder:
    """Writes export requests.

    Arguments:
        resource: attributes of the process, such as service.name.
        version: of the bridge.
    """

    def __init__(self, resource: Mapping[str, str], version: str) -> None:
        self._resource = Resource(attributes=_attributes(resource))
        self._scope = InstrumentationScope(name="mcp_bridge", version=version)
        self._templates: dict[tuple[CallLabels, str], Span] = {}

    def encode(self, calls: Iterable[EndedCall]) -> bytes:
        """Return the body of one export request."""
        spans = ScopeSpans(scope=self._scope, spans=[self._span(call) for call in calls])
        return ExportTraceServiceRequest(
            resource_spans=[ResourceSpans(resource=self._resource, scope_spans=[spans])]
        ).SerializeToString()

    def _span(self, call: EndedCall) -> Span:
        template = self._templates.get((call.labels, call.revision))
        if template is None:
            template = self._templates[call.labels, call.revision] = _template(call.labels, call.revision)
        span = Span()
        span.CopyFrom(template)
        context, parent, link = call.place.context, call.place.parent, call.place.link
        span.trace_id = bytes.fromhex(context.trace_id)
        span.span_id = bytes.fromhex(context.span_id)
        span.trace_state = context.state
        if parent is not None:
            span.parent_span_id = bytes.fromhex(parent.span_id)
        if link is not None:
            span.links.add(trace_id=bytes.fromhex(link.trace_id), span_id=bytes.fromhex(link.span_id))
        span.start_time_unix_nano = call.start
        span.end_time_unix_nano = call.end
        span.attributes.add(key="mcp_bridge.request_id").value.string_value = call.request_id
        span.attributes.add(key="jsonrpc.request.id").value.string_value = call.rpc_id[:MAX_ID_CHARACTERS]
        if call.client:
            span.attributes.add(key="mcp_bridge.client").value.string_value = call.client
        return span


def _template(labels: CallLabels, revision: str) -> Span:
    """Return what all spans of calls with these labels share."""
    attributes = {
        "mcp.method.name": labels.method,
        "mcp.protocol.version": revision,
        "network.transport": "tcp",
        "network.protocol.name": "http",
    }
    if labels.tool:
        attributes |= {"gen_ai.operation.name": "execute_tool", "gen_ai.tool.name": labels.tool}
    status = Status()
    if labels.outcome != "ok":
        attributes |= {"error.type": labels.outcome, "rpc.response.status_code": labels.outcome}
        status = Status(code=Status.StatusCode.STATUS_CODE_ERROR)
    target = labels.tool if labels.tool not in ("", OTHER) else ""
    name = f"{labels.method} {target}".rstrip()
    return Span(name=name, kind=_SERVER, attributes=_attributes(attributes), status=status)


def _attributes(values: Mapping[str, str]) -> list[KeyValue]:
    return [KeyValue(key=key, value=AnyValue(string_value=value)) for key, value in values.items()]
