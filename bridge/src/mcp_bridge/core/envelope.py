"""The JSON-RPC 2.0 envelope. `id`, `params`, `result` and `error` stay the sender's own bytes until somebody must look.

https://www.jsonrpc.org/specification; MCP narrows it: ids are strings or numbers, params are objects.
"""

import json
import re
from functools import lru_cache
from typing import Final

import msgspec
from msgspec import Raw

from .errors import INTERNAL_ERROR, INVALID_REQUEST, PARSE_ERROR, RpcError

ABSENT: Final = Raw()
MAX_BATCH: Final = 1000
MAX_DEPTH: Final = 128
"""Levels of arrays and objects that a client's message may have. The official SDK's parser ends at 200."""


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

    code: int
    message: str
    data: Raw = ABSENT


_envelope = msgspec.json.Decoder(Envelope)
_identifier = msgspec.json.Decoder(_Id)
_batch = msgspec.json.Decoder(list[Raw])
_error = msgspec.json.Decoder(ErrorObject)
_syntax = msgspec.json.Decoder(Raw)
_members = msgspec.json.Decoder(dict[str, Raw])

_ID_STARTS: Final = frozenset(b'"-0123456789')
_BARE_BYTES: Final = len(b'{"jsonrpc":"2.0","method":""}')
_OBJECT_START: Final = ord("{")
_ID_BYTES: Final = len(b',"id":')
_PARAMS_BYTES: Final = len(b',"params":')
_NO_MEMBER_BYTES: Final = 7
"""Fewer bytes than this hold no further member that counts: the shortest would be `,"id":1`."""

_NOT_STRUCTURE: Final = bytes(set(range(256)) - set(b'[]{}"'))
_ANSWER: Final = re.compile(
    rb'\s*\{(?:\s*"jsonrpc"\s*:\s*"[^"\\]*"\s*,)?(?:\s*"id"\s*:\s*(\d+)\s*,)?\s*"(?:result|error)"\s*:'
)
_ANSWER_END: Final = re.compile(rb',\s*"id"\s*:\s*(\d+)\s*(?:,\s*"jsonrpc"\s*:\s*"[^"\\]*"\s*)?\}\s*\Z')
_LONE_SURROGATE: Final = re.compile(
    rb"\\(?:u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}|(u[dD][89a-fA-F][0-9a-fA-F]{2})|.)", re.DOTALL
)
EDGE_BYTES: Final = 1024
"""How near to either end of a message its id is looked for when the message can't be read."""


def decode(message: bytes) -> Envelope:
    """Read one message that a client sent.

    Raises RpcError with PARSE_ERROR where it isn't JSON, and INVALID_REQUEST where it is no JSON-RPC 2.0 message.
    """
    if not message.isascii():
        check_encoding(message)
    try:
        try:
            envelope = _envelope.decode(message)
        except msgspec.ValidationError as error:
            _syntax.decode(message)  # what follows the member that is wrong may be worse
            raise RpcError(INVALID_REQUEST, f"Not a JSON-RPC message: {error}.") from error
    except RecursionError as error:
        raise RpcError(PARSE_ERROR, "The JSON is nested too deep.") from error
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise RpcError(PARSE_ERROR, f"Not JSON: {error}.") from error
    check(envelope)
    if message.count(b"{") + message.count(b"[") > MAX_DEPTH:
        check_depth(message)
    spare = len(message) - _BARE_BYTES - len(envelope.method or "")
    if envelope.id:
        spare -= len(envelope.id) + _ID_BYTES
    if envelope.params:
        spare -= len(envelope.params) + _PARAMS_BYTES
    if spare >= _NO_MEMBER_BYTES:
        check_unique(message)
    return envelope


def check_depth(message: bytes) -> None:
    """Raise PARSE_ERROR where well-formed JSON is nested deeper than MAX_DEPTH."""
    # Escapes go first, so that each quote left begins or ends a string; then strings, then pairs, a level at a time.
    text = message.replace(b"\\\\", b"").replace(b'\\"', b"").translate(None, _NOT_STRUCTURE)
    text = b"".join(text.split(b'"')[::2])
    for _ in range(MAX_DEPTH):
        text = text.replace(b"[]", b"").replace(b"{}", b"")
    if text:
        raise RpcError(PARSE_ERROR, f"The JSON is nested deeper than {MAX_DEPTH} levels.")


def check_unique(value: bytes | Raw) -> None:
    """Raise INVALID_REQUEST where a JSON object has a member twice: of two readers, each may take another one."""
    names = [name for name, _ in json.loads(bytes(value), object_pairs_hook=list, parse_int=len, parse_float=len)]
    if len(set(names)) != len(names):
        [name, *_] = [name for name in names if names.count(name) > 1]
        raise RpcError(INVALID_REQUEST, f'The member "{name[:40]}" is there more than once.')


def check_encoding(message: bytes) -> None:
    """Raise PARSE_ERROR where `message` isn't UTF-8: the fields that stay raw are otherwise never looked at."""
    try:
        message.decode()
    except UnicodeDecodeError as error:
        raise RpcError(PARSE_ERROR, f"Not UTF-8: {error}.") from error


def check(envelope: Envelope) -> None:
    """Raise INVALID_REQUEST where the members contradict JSON-RPC 2.0 or MCP."""
    if envelope.jsonrpc != "2.0":
        raise RpcError(INVALID_REQUEST, 'The member "jsonrpc" must be "2.0".')
    if envelope.id and bytes(envelope.id)[0] not in _ID_STARTS:
        raise RpcError(INVALID_REQUEST, 'The member "id" must be a string or a number.')
    if envelope.method is None:
        if not envelope.id:
            raise RpcError(INVALID_REQUEST, "Neither a request, nor a notification, nor an answer.")
        if problem := _problem(envelope):
            raise RpcError(INVALID_REQUEST, f"Neither a request nor a notification, and as an answer {problem}.")
    elif envelope.params and memoryview(envelope.params)[0] != _OBJECT_START:
        if bytes(envelope.params) == b"null":  # which the official SDK's types take for none
            envelope.params = ABSENT
            return
        raise RpcError(INVALID_REQUEST, 'The member "params" must be an object.')


def decode_child(line: bytes) -> Envelope | None:
    """Read one line of a child's stdout; None where it is no JSON-RPC message.

    An answer that is malformed, but says to which request, reads as an error: somebody waits for it.
    """
    try:
        envelope = _envelope.decode(line)
        if not line.isascii():
            line.decode()
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        return _decode_again(line, str(error) or type(error).__name__)
    succeeded = envelope.result and envelope.id and envelope.method is None and not envelope.error
    if succeeded and memoryview(envelope.result)[0] == _OBJECT_START:
        return envelope
    if envelope.method is not None:
        if bytes(envelope.params) == b"null":
            envelope.params = ABSENT
        return envelope if not envelope.params or memoryview(envelope.params)[0] == _OBJECT_START else None
    if envelope.error and bytes(envelope.error) == b"null":
        envelope.error = ABSENT
    elif envelope.result and envelope.error and bytes(envelope.result) == b"null":
        envelope.result = ABSENT
    if not envelope.id:
        return None
    problem = _problem(envelope)
    return malformed_answer(bytes(envelope.id), problem) if problem else envelope


def _problem(answer: Envelope) -> str:
    """Return what is wrong with an answer, empty where nothing is."""
    if answer.error:
        try:
            error_object(answer.error)
        except msgspec.DecodeError:
            return "its error must have an integer code and a message"
    elif answer.result and memoryview(answer.result)[0] != _OBJECT_START:
        return "its result must be an object"
    return "" if answer.is_answer else "it must have either a result or an error"


def _decode_again(line: bytes, problem: str) -> Envelope | None:
    """Read a line that is no JSON: with U+FFFD for lone surrogates, or as the error of the request that it answers."""
    if b"\\ud" in line or b"\\uD" in line:
        mended = _LONE_SURROGATE.sub(lambda found: b"\\ufffd" if found[1] else found[0], line)
        if mended != line:
            return decode_child(mended)
    number = answered_id(line[:EDGE_BYTES], line[-EDGE_BYTES:])
    return malformed_answer(number, f"it is no JSON ({problem})") if number else None


def answered_id(head: bytes, tail: bytes) -> bytes:
    """Return the id of an answer that can't be read, empty where it can't be told. An `id` further in is not it."""
    begin = _ANSWER.match(head)
    if begin is None:
        return b""
    end = _ANSWER_END.search(tail)
    return begin[1] or (end[1] if end else b"")


def malformed_answer(number: bytes, problem: str) -> Envelope:
    """Return the error that stands for an answer of the child that can't be used."""
    error = RpcError(INTERNAL_ERROR, f"The server's answer is malformed: {problem}.")
    return Envelope(jsonrpc="2.0", id=Raw(number), error=Raw(error.encode()))


def identifier(message: bytes | Raw) -> bytes:
    """Return the id of a message that may be faulty otherwise, `null` where none can be told."""
    try:
        found = bytes(_identifier.decode(message).id)
        found.decode()
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
    if len(messages) > MAX_BATCH:
        raise RpcError(INVALID_REQUEST, f"A batch may have {MAX_BATCH} messages.")
    return messages


def members(value: bytes | Raw) -> dict[str, Raw]:
    """Return the members of a JSON object, each as its own bytes; of equal names the last counts.

    Raises msgspec.DecodeError where it is no object.
    """
    try:
        return _members.decode(value) if value else {}
    except RecursionError as error:
        raise msgspec.DecodeError("nested too deep") from error


def error_object(value: Raw) -> ErrorObject:
    """Read an `error` member, which decode and decode_child have found to be one."""
    return _error.decode(value)


def request(number: bytes, method: str, params: bytes) -> bytes:
    """Return a request line; `params` may be empty."""
    if params:
        return b'{"jsonrpc":"2.0","id":%b,"method":%b,"params":%b}' % (number, _text(method), params)
    return b'{"jsonrpc":"2.0","id":%b,"method":%b}' % (number, _text(method))


@lru_cache(maxsize=64)
def _text(method: str) -> bytes:
    return msgspec.json.encode(method)


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
