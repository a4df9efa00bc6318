"""The place of a call in a trace: whose child it is, whether it is recorded, and what the server process is handed.

A client names its trace in `_meta` (2026-07-28, basic; OpenTelemetry's semantic conventions for MCP), or in the HTTP
header, where the gateway puts its own span. Within one trace the header is nearer to the call; where the two name
different traces, the call belongs to the client's, and its span links to the other.
"""

from random import getrandbits, random

import msgspec

from .trace_context import TraceContext, parse


class Span(msgspec.Struct, frozen=True, gc=False):
    """A call's own span.

    Arguments:
        context: its ids; parent of whatever the server process does.
        parent: whose child it is, None for the first of its trace.
        link: the gateway's span, where that is of another trace.
    """

    context: TraceContext
    parent: TraceContext | None
    link: TraceContext | None


class _Meta(msgspec.Struct):
    traceparent: str | None = None
    tracestate: str | None = None


class _Params(msgspec.Struct):
    meta: _Meta | None = msgspec.field(name="_meta", default=None)


_decoder = msgspec.json.Decoder(_Params)


class Spans:
    """Begins spans.

    Arguments:
        ratio: the part of the traces that begin here which is recorded, from 0 to 1; None records nothing at all, and
            hands on what clients sent.

    `recorded` says whether any is.
    """

    def __init__(self, ratio: float | None) -> None:
        self._ratio = ratio
        self.recorded = ratio is not None

    def begin(self, header: TraceContext | None, params: bytes) -> tuple[Span | None, TraceContext | None]:
        """Return a call's span if it is recorded, and what the server process is handed, if anything.

        Arguments:
            header: the trace that the HTTP request belongs to.
            params: the call's own, whose `_meta` may name a trace.
        """
        parent, link = header, None
        if b'"traceparent"' in params:
            sent = _sent(params)
            if sent is not None and (header is None or header.trace_id != sent.trace_id):
                parent, link = sent, header
        if self._ratio is None:
            return None, parent
        if parent is None:
            if random() >= self._ratio:  # noqa: S311 - no secret
                return None, None
            context = TraceContext(f"{getrandbits(128):032x}", f"{getrandbits(64):016x}", True)
        elif not parent.sampled:
            return None, parent
        else:
            context = TraceContext(parent.trace_id, f"{getrandbits(64):016x}", True, parent.state)
        return Span(context, parent, link), context


def _sent(params: bytes) -> TraceContext | None:
    """Return the trace that `_meta` names, None where it names none, or not as W3C has it."""
    try:
        meta = _decoder.decode(params).meta
    except (msgspec.DecodeError, UnicodeDecodeError):
        return None
    return None if meta is None or meta.traceparent is None else parse(meta.traceparent, meta.tracestate)
