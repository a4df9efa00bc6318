"""Strict stand-ins of vendors' APIs, after their published descriptions, that servers of the catalog call in the tests.

Sources: https://platform.openai.com/docs/api-reference/embeddings, https://github.com/ollama/ollama/blob/main/docs/api.md,
https://portkey.ai/docs/api-reference/admin-api/control-plane/workspaces/list-workspaces
"""

import base64
import json
import struct
from typing import Any, Final, Literal

from pydantic import BaseModel, ConfigDict, ValidationError
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

KEY: Final = "sk-canary-5f2a"
DIMENSIONS: Final = 26
MODEL: Final = "llama3.2:latest"


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid")


class EmbeddingRequest(_Strict):
    """Texts to embed."""

    model: str
    input: list[str]
    encoding_format: Literal["float", "base64"] = "float"


class Message(_Strict):
    """What was said."""

    role: Literal["system", "user", "assistant"]
    content: str


class ChatRequest(_Strict):
    """A chat to go on with."""

    model: str
    messages: list[Message]
    stream: Literal[False]
    options: dict[str, Any] | None = None
    format: Literal["json"] | None = None


def letters(text: str) -> list[float]:
    """Return how often each letter occurs: texts of the same words are alike."""
    return [float(text.lower().count(chr(ord("a") + at))) for at in range(DIMENSIONS)]


async def embed(request: Request) -> JSONResponse:
    if request.headers.get("authorization") != f"Bearer {KEY}":
        return JSONResponse({"error": {"message": "Incorrect API key provided", "type": "invalid_request_error"}}, 401)
    asked = EmbeddingRequest.model_validate_json(await request.body())
    vectors = [letters(text) for text in asked.input]
    packed = [base64.b64encode(struct.pack(f"<{DIMENSIONS}f", *vector)).decode() for vector in vectors]
    given: list[Any] = [*packed] if asked.encoding_format == "base64" else [*vectors]
    data = [{"object": "embedding", "index": at, "embedding": each} for at, each in enumerate(given)]
    usage = {"prompt_tokens": 1, "total_tokens": 1}
    return JSONResponse({"object": "list", "data": data, "model": asked.model, "usage": usage})


async def models(_: Request) -> JSONResponse:
    about = {"format": "gguf", "family": "llama", "families": ["llama"], "parameter_size": "3.2B"}
    model = {"name": MODEL, "model": MODEL, "size": 1, "digest": "a", "modified_at": "2026-01-01T00:00:00Z"}
    return JSONResponse({"models": [{**model, "details": about}]})


async def chat(request: Request) -> JSONResponse:
    asked = ChatRequest.model_validate_json(await request.body())
    if asked.model != MODEL:
        return JSONResponse({"error": f"model '{asked.model}' not found"}, 404)
    said = {"said": asked.messages[-1].content}
    answer = {"role": "assistant", "content": json.dumps(said) if asked.format else f"You said: {said['said']}"}
    about = {"model": MODEL, "created_at": "2026-01-01T00:00:00Z", "done": True, "done_reason": "stop"}
    return JSONResponse({**about, "message": answer})


async def workspaces(request: Request) -> JSONResponse:
    if request.headers.get("x-portkey-api-key") != KEY:
        return JSONResponse({"success": False, "data": {"message": "Unauthorized Request"}}, 401)
    workspace = {"id": "ws-team", "slug": "team", "name": "Team", "created_at": "2026-01-01T00:00:00.000Z"}
    return JSONResponse({"object": "list", "total": 1, "data": [workspace]})


API: Final = Starlette(
    routes=[
        Route("/v1/embeddings", embed, methods=["POST"]),
        Route("/v1/admin/workspaces", workspaces, methods=["GET"]),
        Route("/api/tags", models, methods=["GET"]),
        Route("/api/chat", chat, methods=["POST"]),
    ],
    exception_handlers={ValidationError: lambda _, error: JSONResponse({"error": str(error)}, 400)},
)
