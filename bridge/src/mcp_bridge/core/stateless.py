"""What a request of the stateless revision must fulfil before it is served, from its headers to its envelope.

Order and codes follow the official SDK's mcp/shared/inbound.py.
"""

from collections.abc import Mapping, Set
from typing import Any, Final

import msgspec
from msgspec import Raw

from . import revisions
from .callers import Caller
from .envelope import ABSENT, Envelope
from .errors import HEADER_MISMATCH, INVALID_PARAMS, UNSUPPORTED_VERSION, RpcError
from .header_values import decode_header

VERSION_HEADER: Final = b"mcp-protocol-version"
METHOD_HEADER: Final = b"mcp-method"
NAME_HEADER: Final = b"mcp-name"
_ROUTING: Final = frozenset({VERSION_HEADER, METHOD_HEADER, NAME_HEADER})


class _Meta(msgspec.Struct):
    version: Raw = msgspec.field(name=revisions.META_VERSION, default=ABSENT)
    capabilities: Raw = msgspec.field(name=revisions.META_CLIENT_CAPABILITIES, default=ABSENT)
    info: Raw = msgspec.field(name=revisions.META_CLIENT_INFO, default=ABSENT)
    level: str | None = msgspec.field(name=revisions.META_LOG_LEVEL, default=None)


class _Params(msgspec.Struct):
    meta: _Meta | None = msgspec.field(name="_meta", default=None)
    name: Raw = ABSENT
    uri: Raw = ABSENT


_MODERN_HEADER: Final = revisions.MODERN.encode()
_MODERN: Final = b'"%b"' % _MODERN_HEADER

_decoder = msgspec.json.Decoder(_Params)
_texts = msgspec.json.Decoder(str)
_objects = msgspec.json.Decoder(dict[str, Any])


def unsupported(requested: str) -> RpcError:
    """Return the refusal of a revision, naming the ones that are served without a session."""
    data = {"supported": [revisions.MODERN], "requested": requested}
    return RpcError(UNSUPPORTED_VERSION, "Unsupported protocol version", data)


def admit(message: Envelope, headers: Mapping[bytes, bytes], repeated: Set[bytes], client: str) -> Caller:
    """Check a request against its headers and return who sent it.

    Raises RpcError with the code that the revision assigns to what is wrong.
    """
    twice = _ROUTING & repeated
    if twice:
        raise RpcError(HEADER_MISMATCH, f"The header {min(twice).decode()} appears more than once.")
    params = _params(message.params)
    meta = params.meta
    if meta is None:
        raise RpcError(
            INVALID_PARAMS, f"params._meta must carry {revisions.META_VERSION} and the client's capabilities."
        )
    if not (meta.version and meta.capabilities):
        missing = revisions.META_CLIENT_CAPABILITIES if meta.version else revisions.META_VERSION
        raise RpcError(INVALID_PARAMS, f"params._meta lacks {missing}.")
    version: str | None = revisions.MODERN
    if bytes(meta.version) != _MODERN or headers.get(VERSION_HEADER) != _MODERN_HEADER:
        version = _text(meta.version)
        _same(VERSION_HEADER, _header(headers, VERSION_HEADER), version)
    _same(METHOD_HEADER, _header(headers, METHOD_HEADER), message.method)
    named_by = revisions.NAMED_BY.get(message.method or "")
    if named_by is not None:
        value = params.uri if named_by == "uri" else params.name
        if value and bytes(value) != b"null":
            _same(NAME_HEADER, decode_header(_header(headers, NAME_HEADER)), _text(value))
    if version != revisions.MODERN:
        raise unsupported(version or "")
    try:
        capabilities = _objects.decode(meta.capabilities)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise RpcError(INVALID_PARAMS, f"{revisions.META_CLIENT_CAPABILITIES} must be an object.") from error
    return Caller(
        client=client,
        revision=revisions.MODERN,
        capabilities=capabilities,
        client_info=meta.info,
        log_level=meta.level,
    )


def _params(params: Raw) -> _Params:
    if not params:
        return _Params()
    try:
        return _decoder.decode(params)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise RpcError(INVALID_PARAMS, f"Invalid params: {error}.") from error


def _header(headers: Mapping[bytes, bytes], name: bytes) -> str | None:
    value = headers.get(name)
    return None if value is None else value.decode("latin-1")


def _text(value: Raw) -> str | None:
    try:
        return _texts.decode(value)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return None


def _same(name: bytes, header: str | None, body: str | None) -> None:
    if header is None or header != body:
        raise RpcError(HEADER_MISMATCH, f"The header {name.decode()} does not match the body.")
