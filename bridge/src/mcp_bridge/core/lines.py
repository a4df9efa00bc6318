"""Cutting a byte stream into lines of bounded length."""

from collections.abc import Iterable, Iterator

from .envelope import EDGE_BYTES


class LineTooLongError(Exception):
    """A line that was dropped: told at once when it grows too long, and again when it ends.

    Arguments:
        head: its beginning.
        tail: its end, empty before that is known.
        told: whether this line was told of before.
    """

    def __init__(self, head: bytes, tail: bytes = b"", *, told: bool = False) -> None:
        super().__init__("line too long")
        self.head = head
        self.tail = tail
        self.told = told


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

    def feed(self, data: bytes) -> Iterable[bytes | LineTooLongError]:
        """Give the lines that `data` completes, without their line ends; a dropped one as an error value."""
        if self._size or self._dropped_head or len(data) > self._maximum:
            return self._feed_on(data)
        *lines, rest = data.split(b"\n")
        if rest:
            self._keep(rest)
        return filter(None, map(bytes.strip, lines))

    def _feed_on(self, data: bytes) -> Iterator[bytes | LineTooLongError]:
        """Go on with a line that has begun, or that may be too long."""
        start = 0
        while (end := data.find(b"\n", start)) >= 0:
            line = self._complete(data[start:end])
            start = end + 1
            if line:
                yield line
        if start < len(data) and self._keep(data[start:] if start else data):
            yield LineTooLongError(self._dropped_head)

    def rest(self) -> bytes:
        """Return the line that the end of the stream cut off."""
        return b"".join(self._pieces).strip()

    def _complete(self, last: bytes) -> bytes | LineTooLongError:
        if self._size + len(last) > self._maximum or self._dropped_head:
            told = not self._keep(last)
            error = LineTooLongError(self._dropped_head, self._dropped_tail, told=told)
            self._dropped_head = self._dropped_tail = b""
            return error
        if not self._pieces:
            return last.strip()
        self._pieces.append(last)
        line = b"".join(self._pieces).strip()
        self._pieces = []
        self._size = 0
        return line

    def _keep(self, piece: bytes) -> bool:
        """Keep a piece of the line, or of its end where the line is dropped. True where it is dropped from here on."""
        if self._dropped_head:
            self._dropped_tail = (self._dropped_tail + piece)[-EDGE_BYTES:]
            return False
        self._pieces.append(piece)
        self._size += len(piece)
        if self._size <= self._maximum:
            return False
        whole = b"".join(self._pieces)
        self._dropped_head, self._dropped_tail = whole[:EDGE_BYTES], whole[-EDGE_BYTES:]
        self._pieces = []
        self._size = 0
        return True
