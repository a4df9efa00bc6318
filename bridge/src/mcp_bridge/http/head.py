"""The head of a request, and heads that were parsed before.

A client that keeps its connection repeats its head from request to request, but for the length of the body and what
names the request in logs and traces. A head that the parser has accepted once is not parsed again where the same bytes
come again: the parser has no other state between two requests, so it would find the same.
"""

import re
from typing import Any, Final

MAX_KNOWN_BYTES: Final = 4096
MAX_KNOWN: Final = 1024
"""Heads that are kept: of clients with a session each, so many can be active before heads are parsed again."""

_END: Final = b"\r\n\r\n"
_MARK: Final = b"\0"
"""Stands for a value that varies. No head that the parser accepts has it."""

_VARYING: Final = re.compile(
    rb"(\r\n(?:[Cc]ontent-[Ll]ength|x-request-id|traceparent): )([A-Za-z0-9._-]{1,128})(?=\r\n)"
)
LENGTH: Final = b"content-length"
_STAGED: Final = frozenset({b"transfer-encoding", b"expect"})


class Head:
    """Request line and header fields. Header names are lower case; the last of repeated ones counts.

    Arguments:
        method: as it came.
        path: without the query.
        headers: the fields, but for Content-Length, which has been heeded.
        sized: whether there was a Content-Length.
        repeated: names of the fields that came more than once.
        http_1_1: whether it is HTTP/1.1, and not 1.0.
        keep_alive: whether the client wants to go on with the connection.

    `reading` is for whatever the application has found out from it, but for x-request-id and traceparent.
    """

    __slots__ = (
        "constant",
        "headers",
        "http_1_1",
        "keep_alive",
        "length_at",
        "method",
        "path",
        "reading",
        "repeated",
        "sized",
        "varying",
    )

    def __init__(
        self,
        *,
        method: bytes,
        path: bytes,
        headers: dict[bytes, bytes],
        sized: bool = False,
        repeated: frozenset[bytes] = frozenset(),
        http_1_1: bool = True,
        keep_alive: bool = True,
    ) -> None:
        self.method = method
        self.path = path
        self.headers = headers
        self.sized = sized
        self.repeated = repeated
        self.http_1_1 = http_1_1
        self.keep_alive = keep_alive
        self.reading: Any = None
        # Set for what is kept: the names of the fields that vary, where content-length is in them, and if it is alone.
        self.varying: tuple[bytes, ...] = ()
        self.length_at = -1
        self.constant = False


class Heads:
    """Heads that were parsed before, of all connections."""

    def __init__(self) -> None:
        self._known: dict[bytes, Head] = {}
        self._exact: dict[bytes, tuple[Head, int]] = {}

    def find(self, data: bytes, max_body_bytes: int) -> tuple[Head, dict[bytes, bytes], bytes] | None:
        """Return head, fields and body of the one whole request that `data` is; None where that must be parsed."""
        end = data.find(_END)
        if not 0 < end < MAX_KNOWN_BYTES:
            return None
        text, body = data[: end + 2], data[end + 4 :]
        if len(body) > max_body_bytes:
            return None
        exact = self._exact.get(text)
        if exact is not None:
            head, length = exact
            return (head, head.headers, body) if length == len(body) else None
        key, _, values = _split(text)
        known = self._known.get(key)
        if known is None or len(values) != len(known.varying):
            return None
        given = b"0" if known.length_at < 0 else values[known.length_at]
        if not given.isdigit() or int(given) != len(body):
            return None
        if not known.constant:
            varying = dict(zip(known.varying, values, strict=True))
            varying.pop(LENGTH, None)
            return known, known.headers | varying, body
        if len(self._exact) >= MAX_KNOWN:
            self._exact.clear()
        self._exact[text] = known, len(body)
        return known, known.headers, body

    def keep(self, data: bytes, head: Head) -> None:
        """Keep the head of the one request in `data`, if it says all that there is to know before the body comes."""
        end = data.find(_END)
        # What is no POST comes once in a session, and would only take the place of others.
        repeats = head.method == b"POST" and head.http_1_1 and head.keep_alive
        if not repeats or not _STAGED.isdisjoint(head.headers) or not 0 < end < MAX_KNOWN_BYTES:
            return
        key, names, values = _split(data[: end + 2])
        head.varying = tuple(name.strip(b"\r\n: ").lower() for name in names)
        length = b"0"
        if LENGTH in head.varying:
            head.length_at = head.varying.index(LENGTH)
            length = values[head.length_at]
        elif head.sized:
            return
        if not length.isdigit() or int(length) != len(data) - end - 4:
            return
        if not head.repeated.isdisjoint(head.varying):
            return  # which of them counts may vary too
        head.constant = not set(head.varying) - {LENGTH}
        if len(self._known) >= MAX_KNOWN:
            self._known.clear()
        self._known[key] = head


def _split(text: bytes) -> tuple[bytes, list[bytes], list[bytes]]:
    """Return what is the same in all heads like this one, and names and values of the fields that vary."""
    pieces = _VARYING.split(text)
    values = pieces[2::3]
    del pieces[2::3]
    return _MARK.join(pieces), pieces[1::2], values
