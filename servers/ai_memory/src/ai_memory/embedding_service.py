"""Embeddings of a model that runs elsewhere."""

from collections.abc import Sequence

from mcp_chassis import Upstream, UpstreamError
from pydantic import BaseModel, ValidationError

from ai_memory.embedding import Vector


class _Embedding(BaseModel):
    index: int
    embedding: list[float]


class _Answer(BaseModel):
    data: list[_Embedding]


class EmbeddingService:
    """Asks a service that speaks OpenAI's embeddings API, as Ollama, vLLM and Text Embeddings Inference do.

    Source: https://platform.openai.com/docs/api-reference/embeddings/create

    Arguments:
        model: the model to ask for.
        dimensions: how many numbers its vectors have.
        least_similarity: cosine from which on two texts are alike to it.
    """

    def __init__(self, upstream: Upstream, *, model: str, dimensions: int, least_similarity: float) -> None:
        self._upstream = upstream
        self._model = model
        self.name = f"{model}-{dimensions}"
        self.dimensions = dimensions
        self.least_similarity = least_similarity

    async def embed(self, texts: Sequence[str]) -> list[Vector]:
        """Return a vector for each of `texts`. Raises UpstreamError where the service gives none, or others."""
        request = {"model": self._model, "input": list(texts), "encoding_format": "float"}
        answer = await self._upstream.request("POST", "embeddings", json=request, idempotent=True)
        try:
            found = sorted(_Answer.model_validate_json(answer.content).data, key=lambda each: each.index)
        except ValidationError:
            raise UpstreamError(
                "The embedding service answered no embeddings; tell the operator of this server."
            ) from None
        if [each.index for each in found] != list(range(len(texts))):
            raise UpstreamError("The embedding service left out some texts; tell the operator of this server.")
        for each in found:
            if len(each.embedding) != self.dimensions:
                raise UpstreamError(
                    f"The embedding service gives vectors of {len(each.embedding)} numbers and not {self.dimensions}; "
                    "tell the operator of this server to set MCP_EMBEDDING_DIMENSIONS."
                )
        return [each.embedding for each in found]
