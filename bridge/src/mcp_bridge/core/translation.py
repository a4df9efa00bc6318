"""Between the eras: what changes in params on their way to the child, and in results on their way back.

Where client and child are of one era, bytes pass as they came, apart from the progress token: two clients may use the
same one, so the child sees the call's number instead.
"""

from typing import Any, Final

import msgspec
from msgspec import Raw

from . import revisions
from .callers import Caller
from .envelope import members
from .errors import INVALID_PARAMS, RpcError
from .profile import Profile
from .trace_context import TraceContext

_CACHE_HINT: Final = b'"ttlMs":0,"cacheScope":"private",'
_LIFTED: Final = ("resultType", "ttlMs", "cacheScope")
_SLOW: Final = (b'"_meta"', b'"resultType"', b'"ttlMs"', b'"cacheScope"', b"\\u")
"""Where one of these stands in an older child's result, a member of the name may be there, or may be escaped."""


def passes(params: bytes, caller: Caller, child: Profile) -> bool:
    """Whether params go to the child as they came: they have no `_meta`, and need none."""
    return not caller.modern and not child.modern and b'"_meta"' not in params and b"\\u" not in params


def to_child(
    params: bytes, caller: Caller, *, child_modern: bool, number: bytes, trace: TraceContext | None = None
) -> tuple[bytes, bytes | None]:
    """Return the params for the child, and the client's own progress token if it gave one.

    Raises RpcError where `_meta` is no object.
    """
    fields = _object(params, "params")
    meta = _meta(fields, "params._meta")
    token = meta.get("progressToken")
    if token is not None:
        meta["progressToken"] = Raw(number)
    if caller.modern and not child_modern:
        for key in revisions.ENVELOPE_KEYS:
            meta.pop(key, None)
    elif child_modern and not caller.modern:
        meta.update(caller.envelope())
    if trace is not None:
        meta["traceparent"] = Raw(msgspec.json.encode(trace.traceparent))
        if trace.state:
            meta["tracestate"] = Raw(msgspec.json.encode(trace.state))
        else:
            meta.pop("tracestate", None)
    if meta:
        fields["_meta"] = Raw(msgspec.json.encode(meta))
    else:
        fields.pop("_meta", None)
    return (msgspec.json.encode(fields) if fields or params else b""), None if token is None else bytes(token)


def _object(value: bytes, where: str) -> dict[str, Raw]:
    try:
        return members(value)
    except msgspec.DecodeError as error:
        raise RpcError(INVALID_PARAMS, f"{where} must be an object.") from error


def _meta(fields: dict[str, Any], where: str) -> dict[str, Raw]:
    """Return the members of `_meta`. The official SDK's types allow null for none."""
    found = bytes(fields.get("_meta", b""))
    return {} if found == b"null" else _object(found, where)


def to_client(method: str, result: Raw, caller: Caller, child: Profile) -> bytes:
    """Return the result of a child of the other era as its caller's wants it. Raises RpcError where it is no object."""
    if caller.modern:
        return lift(method, bytes(result), child)
    return lower(bytes(result))


def lift(method: str, result: bytes, child: Profile) -> bytes:
    """Return an older child's result with what the stateless revision requires of every result.

    Members of those names mean nothing in the child's own revision: they give way.
    """
    if any(name in result for name in _SLOW):
        return _lift_slowly(method, result, child)
    hint = _CACHE_HINT if method in revisions.CACHEABLE else b""
    inner = result.strip()[1:]
    comma = b"" if inner.lstrip()[:1] == b"}" else b","
    return b'{"resultType":"complete",' + hint + b'"_meta":' + child.stamp + comma + inner


def _lift_slowly(method: str, result: bytes, child: Profile) -> bytes:
    fields: dict[str, Any] = dict(_object(result, "The server's result"))
    fields["resultType"] = "complete"
    if method in revisions.CACHEABLE:
        fields |= {"ttlMs": 0, "cacheScope": "private"}
    given = _meta(fields, "The server's _meta")
    fields["_meta"] = _object(child.stamp, "stamp") | given
    return msgspec.json.encode(fields)


def lower(result: bytes) -> bytes:
    """Return a modern child's result without what only the stateless revision knows."""
    fields = _object(result, "The server's result")
    for name in _LIFTED:
        fields.pop(name, None)
    if "_meta" in fields:
        meta = _meta(fields, "The server's _meta")
        meta.pop(revisions.META_SERVER_INFO, None)
        if meta:
            fields["_meta"] = Raw(msgspec.json.encode(meta))
        else:
            del fields["_meta"]
    return msgspec.json.encode(fields)


class InputRequired(msgspec.Struct):
    """A modern child's interim result: it wants something of the client first (2026-07-28, multi round-trip)."""

    inputRequests: dict[str, Raw] | None = None  # noqa: N815 - the wire's name
    requestState: Raw = Raw()  # noqa: N815 - the wire's name
    resultType: str = ""  # noqa: N815 - the wire's name


def input_required(result: Raw) -> InputRequired | None:
    """Return the interim result, or None where `result` is final."""
    if b'"input_required"' not in bytes(result):
        return None
    try:
        found = msgspec.json.decode(result, type=InputRequired)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None
    return found if found.resultType == "input_required" else None
