"""Cutting a byte stream into lines of bounded length."""

from collections.abc import Iterator
from typing import Final

_EDGE_BYTES: Final = 1024
"""How much of a line that is too long is kept, of either end, to tell whose answer it was."""


class LineTooLongError(Exception):
    """A line that was dropped. `edges` is its beginning and its end."""

    def __init__(self, edges: bytes) -> None:
        super().__init__("line too long")
        self.edges = edges


class LineBuffer:
    """Takes pieces as they come, gives whole lines.

    Arguments:
        maximum: bytes that a line may have.
    """

    def __init__(self, maximum: int) -> None:
        self._maximum = maximum
        self._pieces: list[bytes] = []
        self._size = 0
        self._dropped_head = b""
        self._dropped_tail = b""

    def feed(self, data: bytes) -> Iterator[bytes | LineTooLongError]:
        """Give the lines that `data` completes, without their line ends; a dropped one as an error value."""
        start = 0
        while (end := data.find(b"\n", start)) >= 0:
            line = self._complete(data[start:end])
            start = end + 1
            if line:
                yield line
        if start < len(data):
            self._keep(data[start:] if start else data)

    def rest(self) -> bytes:
        """Return the line that the end of the stream cut off."""
        return b"".join(self._pieces).strip()

    def _complete(self, last: bytes) -> bytes | LineTooLongError:
        if self._size + len(last) > self._maximum or self._dropped_head:
            self._keep(last)
            error = LineTooLongError(self._dropped_head + b" " + self._dropped_tail)
            self._dropped_head = self._dropped_tail = b""
            return error
        if not self._pieces:
            return last.strip()
        self._pieces.append(last)
        line = b"".join(self._pieces).strip()
        self._pieces = []
        self._size = 0
        return line

    def _keep(self, piece: bytes) -> None:
        if self._dropped_head:
            self._dropped_tail = (self._dropped_tail + piece)[-_EDGE_BYTES:]
            return
        self._pieces.append(piece)
        self._size += len(piece)
        if self._size > self._maximum:
            whole = b"".join(self._pieces)
            self._dropped_head, self._dropped_tail = whole[:_EDGE_BYTES], whole[-_EDGE_BYTES:]
            self._pieces = []
            self._size = 0
