import asyncio
import math

from hypothesis import given
from hypothesis import strategies as st

from ai_memory.embedding import LetterEmbedder, Vector


def embed(*texts: str) -> list[Vector]:
    return asyncio.run(LetterEmbedder().embed(texts))


def similarity(one: str, other: str) -> float:
    first, second = embed(one, other)
    return sum(a * b for a, b in zip(first, second, strict=True))


def test_texts_are_alike_by_how_they_are_written() -> None:
    assert similarity("Kubernetes", "kubernetes") > 0.99
    assert similarity("kubernets upgrade", "upgrading kubernetes") > 0.6
    assert similarity("database migration", "migrating databases") > 0.5


def test_what_is_written_otherwise_is_not_alike_whatever_it_means() -> None:
    least = LetterEmbedder.least_similarity
    assert similarity("car", "automobile") < least
    assert similarity("Invoices are paid within 30 days.", "Anna prefers short answers.") < least


@given(st.text(max_size=500))
def test_any_text_has_a_vector_of_length_one_or_none(text: str) -> None:
    (vector,) = embed(text)
    assert len(vector) == LetterEmbedder.dimensions
    length = math.hypot(*vector)
    assert length == 0 or math.isclose(length, 1, rel_tol=1e-9)


def test_a_text_has_the_same_vector_in_every_process() -> None:
    (vector,) = embed("apple")
    assert [place for place, number in enumerate(vector) if number] == [40, 47, 110, 124, 172, 207, 255, 318, 327]
