"""What the server does, without MCP."""

import re
from collections import Counter

from example_server.models import TextCount, WordCount

_WORD = re.compile(r"\w+")


class TooLongError(ValueError):
    """The text is longer than what is taken. The message says by how much."""


def count_text(text: str, *, frequent: int, maximum_characters: int) -> TextCount:
    """Count a text's words and lines, and find its `frequent` most frequent words. Raises TooLongError."""
    if len(text) > maximum_characters:
        raise TooLongError(f"The text has {len(text)} characters and may have {maximum_characters}.")
    words = [word.lower() for word in _WORD.findall(text)]
    most = Counter(words).most_common(frequent)
    return TextCount(len(words), len(text.splitlines()), [WordCount(word, times) for word, times in most])
