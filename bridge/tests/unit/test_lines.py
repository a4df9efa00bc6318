"""Lines of a child's output."""

from typing import Any

from hypothesis import strategies as st
from mcp_bridge.core.lines import LineBuffer, LineTooLongError

from bridge.tests.cases import cases


@cases(
    lines=st.lists(st.binary(max_size=40).map(lambda line: line.replace(b"\n", b"")), max_size=8),
    cuts=st.lists(st.integers(1, 30), max_size=40),
)
def test_lines_come_out_whole_however_they_are_cut(lines: list[bytes], cuts: list[int]) -> None:
    stream = b"".join(line + b"\n" for line in lines)
    buffer = LineBuffer(1000)
    found: list[Any] = []
    for cut in cuts:
        found.extend(buffer.feed(stream[:cut]))
        stream = stream[cut:]
    found.extend(buffer.feed(stream))
    assert found == [line.strip() for line in lines if line.strip()]


@cases(size=st.integers(101, 5000), piece=st.integers(1, 700))
def test_a_line_that_is_too_long_is_dropped_and_the_next_is_not(size: int, piece: int) -> None:
    buffer = LineBuffer(100)
    stream = b'{"id":7,' + b"x" * size + b'}\n{"id":8}\n'
    found: list[Any] = []
    for start in range(0, len(stream), piece):
        found.extend(buffer.feed(stream[start : start + piece]))
    *dropped, last = found
    assert all(isinstance(line, LineTooLongError) and line.head.startswith(b'{"id":7,') for line in dropped)
    assert dropped[-1].tail.endswith(b"x}")
    assert len(dropped[-1].head + dropped[-1].tail) <= 2 * 1024
    assert last == b'{"id":8}'


def test_a_line_that_never_ends_is_told_when_it_grows_too_long() -> None:
    buffer = LineBuffer(100)
    found = [line for _ in range(50) for line in buffer.feed(b"x" * 60)]
    assert [type(line) for line in found] == [LineTooLongError]
