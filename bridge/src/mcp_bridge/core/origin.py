"""Where a request comes from, as far as logs and traces tell it: its correlation id and its trace."""

import re
import secrets
from collections.abc import Mapping, Set
from itertools import count
from typing import Final

import msgspec

from . import trace_context
from .trace_context import TraceContext

REQUEST_ID_HEADER: Final = b"x-request-id"
_TRACEPARENT: Final = b"traceparent"
_TRACESTATE: Final = b"tracestate"
_WELL_FORMED: Final = re.compile(rb"[A-Za-z0-9._-]{1,128}")
_PREFIX: Final = secrets.token_hex(8)
_numbers: Final = count(1)


class Origin(msgspec.Struct, frozen=True, gc=False):
    """Where a request comes from.

    Arguments:
        request_id: what the gateway called the request in its own log, or an id made here.
        trace: the trace that the HTTP request belongs to, None where its headers name none.
    """

    request_id: str
    trace: TraceContext | None = None


def read(headers: Mapping[bytes, bytes], repeated: Set[bytes]) -> Origin:
    """Return the origin of a request with these headers."""
    given = headers.get(REQUEST_ID_HEADER)
    if given is not None and _WELL_FORMED.fullmatch(given):
        request_id = given.decode("ascii")
    else:
        request_id = f"{_PREFIX}-{next(_numbers):x}"
    parent = headers.get(_TRACEPARENT)
    # Two parents are none; of a state in several headers, the rest is missing.
    if parent is None or _TRACEPARENT in repeated:
        return Origin(request_id)
    state = None if _TRACESTATE in repeated else headers.get(_TRACESTATE)
    trace = trace_context.parse(parent.decode("latin-1"), None if state is None else state.decode("latin-1"))
    return Origin(request_id, trace)


NOWHERE: Final = Origin("")
