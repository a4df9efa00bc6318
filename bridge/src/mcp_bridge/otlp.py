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

from .call_counts import OTHER, CallLabels
from .core.spans import Span as Place

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
    cached: bool = False


class Encoder:
    """Writes export requests.

    Equal parts of spans are written once: one protobuf message after the other is the two merged
    (https://protobuf.dev/programming-guides/encoding/#last-one-wins), so a span is a template and what differs.

    Arguments:
        resource: attributes of the process, such as service.name.
        version: of the bridge.
    """

    def __init__(self, resource: Mapping[str, str], version: str) -> None:
        scope = InstrumentationScope(name="mcp_bridge", version=version)
        self._resource = ResourceSpans(resource=Resource(attributes=_attributes(resource))).SerializeToString()
        self._scope = ScopeSpans(scope=scope).SerializeToString()
        self._templates: dict[tuple[CallLabels, str], bytes] = {}

    def encode(self, calls: Iterable[EndedCall]) -> bytes:
        """Return the body of one export request."""
        spans = b"".join([_field(ScopeSpans.SPANS_FIELD_NUMBER, self._span(call)) for call in calls])
        scope_spans = _field(ResourceSpans.SCOPE_SPANS_FIELD_NUMBER, self._scope + spans)
        return _field(ExportTraceServiceRequest.RESOURCE_SPANS_FIELD_NUMBER, self._resource + scope_spans)

    def _span(self, call: EndedCall) -> bytes:
        template = self._templates.get((call.labels, call.revision))
        if template is None:
            template = _template(call.labels, call.revision).SerializeToString()
            self._templates[call.labels, call.revision] = template
        context, parent, link = call.place.context, call.place.parent, call.place.link
        span = Span(
            trace_id=bytes.fromhex(context.trace_id),
            span_id=bytes.fromhex(context.span_id),
            parent_span_id=b"" if parent is None else bytes.fromhex(parent.span_id),
            start_time_unix_nano=call.start,
            end_time_unix_nano=call.end,
        )
        if context.state:
            span.trace_state = context.state
        if link is not None:
            span.links.add(trace_id=bytes.fromhex(link.trace_id), span_id=bytes.fromhex(link.span_id))
        own = _attribute(_REQUEST_ID, call.request_id) + _attribute(_RPC_ID, call.rpc_id[:MAX_ID_CHARACTERS])
        if call.client:
            own += _attribute(_CLIENT, call.client)
        if call.cached:
            own += _attribute(_CACHED, "true")
        return template + span.SerializeToString() + own


def _field(number: int, value: bytes) -> bytes:
    """Return a field of bytes, text or a message: tag, length, value; `number` is below 16."""
    length = len(value)
    if length < 0x80:
        return bytes((number << 3 | 2, length)) + value
    head = bytearray((number << 3 | 2,))
    while length >= 0x80:
        head.append(length & 0x7F | 0x80)
        length >>= 7
    head.append(length)
    return bytes(head) + value


def _key(name: str) -> bytes:
    return _field(KeyValue.KEY_FIELD_NUMBER, name.encode())


_REQUEST_ID: Final = _key("mcp_bridge.request_id")
_RPC_ID: Final = _key("jsonrpc.request.id")
_CLIENT: Final = _key("mcp_bridge.client")
_CACHED: Final = _key("mcp_bridge.cached")


def _attribute(key: bytes, value: str) -> bytes:
    text = _field(AnyValue.STRING_VALUE_FIELD_NUMBER, value.encode())
    return _field(Span.ATTRIBUTES_FIELD_NUMBER, key + _field(KeyValue.VALUE_FIELD_NUMBER, text))


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
