"""W3C Trace Context (https://www.w3.org/TR/trace-context/): which trace a request belongs to."""

import re
from typing import Final

import msgspec

MAX_STATE_CHARACTERS: Final = 512
"""What of `tracestate` must be passed on; a longer one is dropped whole, which the recommendation allows."""

_PARENT: Final = re.compile(r"([0-9a-f]{2})-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})(-.*)?", re.ASCII)
_STATE: Final = re.compile(r"[\x20-\x7e\t]*", re.ASCII)
_NO_TRACE: Final = "0" * 32
_NO_SPAN: Final = "0" * 16
_SAMPLED: Final = 1


class TraceContext(msgspec.Struct, frozen=True, gc=False):
    """A place in a trace.

    Arguments:
        trace_id: 32 lower-case hexadecimal digits.
        span_id: 16 of them: the span that whatever comes next has as its parent.
        sampled: whether the trace is recorded.
        state: what other tracing systems carry along, as it came.
    """

    trace_id: str
    span_id: str
    sampled: bool
    state: str = ""

    @property
    def traceparent(self) -> str:
        """The header's value."""
        return f"00-{self.trace_id}-{self.span_id}-{'01' if self.sampled else '00'}"


def parse(traceparent: str, tracestate: str | None = None) -> TraceContext | None:
    """Read a `traceparent`, None where it is not valid; a `tracestate` that can't be passed on is dropped."""
    match = _PARENT.fullmatch(traceparent)
    if match is None:
        return None
    version, trace_id, span_id, flags, rest = match.groups()
    # A later version may add fields; 00 has none, and ff is forbidden.
    if version == "ff" or (version == "00" and rest) or trace_id == _NO_TRACE or span_id == _NO_SPAN:
        return None
    state = tracestate or ""
    if len(state) > MAX_STATE_CHARACTERS or not _STATE.fullmatch(state):
        state = ""
    return TraceContext(trace_id, span_id, bool(int(flags, 16) & _SAMPLED), state)
