import pytest

from example_server.handlers import TooLongError, count_text
from example_server.models import TextCount, WordCount


def test_words_are_counted_whatever_their_case() -> None:
    found = count_text("To be,\nor not to be", frequent=2, maximum_characters=100)
    assert found == TextCount(words=6, lines=2, frequent=[WordCount("to", 2), WordCount("be", 2)])


def test_an_empty_text_has_nothing() -> None:
    assert count_text("", frequent=5, maximum_characters=100) == TextCount(0, 0, [])


def test_a_text_that_is_too_long_is_refused_with_both_figures() -> None:
    with pytest.raises(TooLongError, match="has 4 characters and may have 3"):
        count_text("word", frequent=1, maximum_characters=3)
