"""Embeddings: what a text is like, as a vector. Embedder is what any kind of them is."""

import asyncio
import math
import re
import zlib
from collections import Counter
from collections.abc import Sequence
from typing import Protocol

Vector = Sequence[float]

LARGEST_DIMENSIONS = 2_000
"""What pgvector can index."""


class Embedder(Protocol):
    """Turns texts into vectors.

    Attributes:
        name: names the kind of its vectors; those of different names are never compared.
        dimensions: how many numbers a vector has; at most LARGEST_DIMENSIONS.
        least_similarity: cosine from which on two texts are alike.
    """

    name: str
    dimensions: int
    least_similarity: float

    async def embed(self, texts: Sequence[str]) -> list[Vector]:
        """Return a vector for each of `texts`, in their order."""
        ...


class LetterEmbedder:
    """Compares how texts are written, with no model and no network.

    The vector counts a text's runs of three and four letters, each at a place that a hash gives it ("feature hashing",
    https://doi.org/10.1145/1553374.1553516). So it finds other forms of a word, compounds and misspellings. It knows
    nothing of meaning: "car" and "automobile" are as unlike to it as any two words.
    """

    name = "letters-384"
    dimensions = 384
    least_similarity = 0.2

    async def embed(self, texts: Sequence[str]) -> list[Vector]:
        return await asyncio.to_thread(lambda: [self._vector(text) for text in texts])

    def _vector(self, text: str) -> Vector:
        runs = Counter(
            word[start : start + length]
            for word in map(" {} ".format, re.findall(r"\w+", text.casefold()))
            for length in (3, 4)
            for start in range(len(word) + 1 - length)
        )
        vector = [0.0] * self.dimensions
        for run, count in runs.items():
            place = zlib.crc32(run.encode())
            # Half of the runs count downwards: then those that share a place mostly cancel out.
            vector[place % self.dimensions] += math.copysign(1 + math.log(count), 1 if place & 1 << 31 else -1)
        length = math.hypot(*vector) or 1.0
        return [number / length for number in vector]
