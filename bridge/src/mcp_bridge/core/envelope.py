"""The JSON-RPC 2.0 envelope. `id`, `params`, `result` and `error` stay the sender's own bytes until somebody must look.

https://www.jsonrpc.org/specification; MCP narrows it: ids are strings or numbers, params are objects.
"""

from typing import Final

import msgspec
from msgspec import Raw

from .errors import INVALID_REQUEST, PARSE_ERROR, RpcError

ABSENT: Final = Raw()


class Envelope(msgspec.Struct, gc=False):
    """One message. A member that was not sent is empty; `id` may be the JSON text `null`."""

    jsonrpc: str = ""
    id: Raw = ABSENT
    method: str | None = None
    params: Raw = ABSENT
    result: Raw = ABSENT
    error: Raw = ABSENT

    @property
    def is_request(self) -> bool:
        """Whether the sender waits for an answer."""
        return self.method is not None and bool(self.id)

    @property
    def is_notification(self) -> bool:
        """Whether it calls a method and wants no answer."""
        return self.method is not None and not self.id

    @property
    def is_answer(self) -> bool:
        """Whether it is a result or an error for an earlier request."""
        return self.method is None and bool(self.id) and bool(self.result) != bool(self.error)


class _Id(msgspec.Struct):
    id: Raw = ABSENT


class ErrorObject(msgspec.Struct):
    """The `error` member of an answer, as far as the bridge reads it."""

    code: int = 0
    message: str = ""
    data: Raw = ABSENT


_envelope = msgspec.json.Decoder(Envelope)
_identifier = msgspec.json.Decoder(_Id)
_batch = msgspec.json.Decoder(list[Raw])
_error = msgspec.json.Decoder(ErrorObject)
_members = msgspec.json.Decoder(dict[str, Raw])

_ID_STARTS: Final = frozenset(b'"-0123456789')


def decode(message: bytes | Raw) -> Envelope:
    """Read one message that a client sent.

    Raises RpcError with PARSE_ERROR where it isn't JSON, and INVALID_REQUEST where it is no JSON-RPC 2.0 message.
    """
    check_encoding(message)
    try:
        envelope = _envelope.decode(message)
    except msgspec.ValidationError as error:
        raise RpcError(INVALID_REQUEST, f"Not a JSON-RPC message: {error}.") from error
    except RecursionError as error:
        raise RpcError(PARSE_ERROR, "The JSON is nested too deep.") from error
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise RpcError(PARSE_ERROR, f"Not JSON: {error}.") from error
    check(envelope)
    return envelope


def check_encoding(message: bytes | Raw) -> None:
    """Raise PARSE_ERROR where `message` isn't UTF-8: the fields that stay raw are otherwise never looked at."""
    text = bytes(message)
    if not text.isascii():
        try:
            text.decode()
        except UnicodeDecodeError as error:
            raise RpcError(PARSE_ERROR, f"Not UTF-8: {error}.") from error


def check(envelope: Envelope) -> None:
    """Raise INVALID_REQUEST where the members contradict JSON-RPC 2.0 or MCP."""
    if envelope.jsonrpc != "2.0":
        raise RpcError(INVALID_REQUEST, 'The member "jsonrpc" must be "2.0".')
    if envelope.id and bytes(envelope.id)[0] not in _ID_STARTS:
        raise RpcError(INVALID_REQUEST, 'The member "id" must be a string or a number.')
    if envelope.method is None:
        if not envelope.is_answer:
            raise RpcError(INVALID_REQUEST, "Neither a request, nor a notification, nor an answer.")
    elif envelope.params and bytes(envelope.params)[:1] != b"{":
        raise RpcError(INVALID_REQUEST, 'The member "params" must be an object.')


def decode_child(line: bytes) -> Envelope | None:
    """Read one line of a child's stdout; None where it is no JSON-RPC message."""
    try:
        envelope = _envelope.decode(line)
        if not line.isascii():
            line.decode()
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None
    if envelope.method is None and not envelope.is_answer:
        return None
    return envelope


def identifier(message: bytes | Raw) -> bytes:
    """Return the id of a message that may be faulty otherwise, `null` where none can be told."""
    try:
        found = bytes(_identifier.decode(message).id)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return b"null"
    return found if found and found[0] in _ID_STARTS else b"null"


def key_of(client_id: bytes) -> str | bytes:
    """Return a hashable that is equal for equal ids, however a string is escaped, and never for "1" and 1."""
    return msgspec.json.decode(client_id, type=str) if client_id[:1] == b'"' else client_id


def split_batch(body: bytes) -> list[Raw]:
    """Return the messages of a batch. Raises RpcError where the array is malformed or empty."""
    try:
        messages = _batch.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise RpcError(PARSE_ERROR, f"Not JSON: {error}.") from error
    if not messages:
        raise RpcError(INVALID_REQUEST, "An empty batch.")
    return messages


def members(value: bytes | Raw) -> dict[str, Raw]:
    """Return the members of a JSON object, each as its own bytes; of equal names the last counts.

    Raises msgspec.DecodeError where it is no object.
    """
    return _members.decode(value) if value else {}


def error_object(value: Raw) -> ErrorObject:
    """Read an `error` member; a malformed one reads as code 0."""
    try:
        return _error.decode(value)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return ErrorObject()


def request(number: bytes, method: str, params: bytes) -> bytes:
    """Return a request line; `params` may be empty."""
    tail = b',"params":' + params + b"}" if params else b"}"
    return b'{"jsonrpc":"2.0","id":' + number + b',"method":' + msgspec.json.encode(method) + tail


def notification(method: str, params: bytes) -> bytes:
    """Return a notification; `params` may be empty."""
    tail = b',"params":' + params + b"}" if params else b"}"
    return b'{"jsonrpc":"2.0","method":' + msgspec.json.encode(method) + tail


def result(number: bytes, value: bytes) -> bytes:
    """Return the answer of a request that succeeded."""
    return b'{"jsonrpc":"2.0","id":' + number + b',"result":' + value + b"}"


def failure(number: bytes, error: bytes) -> bytes:
    """Return the answer of a request that failed; `error` is the JSON of the error object."""
    return b'{"jsonrpc":"2.0","id":' + number + b',"error":' + error + b"}"


def one_line(value: bytes) -> bytes:
    """Return JSON without line breaks. They are only ever white space: inside strings JSON must escape them."""
    if b"\n" in value or b"\r" in value:
        return value.replace(b"\n", b" ").replace(b"\r", b" ")
    return value
