"""A strict stand-in of the REST API of Mem0's self-hosted server; what its documentation does not have is refused.

It finds words where the real one compares meanings, and takes a text for one fact.
Source: https://docs.mem0.ai/open-source/features/rest-api
"""

from typing import Any, Final

from pydantic import BaseModel, ConfigDict, ValidationError
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route
from tests.http_service import Guarded

KEY: Final = "m0sk_canary-5f2a"


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid")


class Message(_Strict):
    """What was said."""

    role: str
    content: str


class MemoryCreate(_Strict):
    """The body of new memories."""

    messages: list[Message]
    user_id: str
    infer: bool | None = None


class Filters(_Strict):
    """Whose memories."""

    user_id: str


class SearchRequest(_Strict):
    """The body of a search."""

    query: str
    filters: Filters
    top_k: int | None = None


class MemoryUpdate(_Strict):
    """The body of a change."""

    text: str


class Mem0:
    """Memories in order of their making."""

    def __init__(self) -> None:
        self.kept: dict[str, dict[str, Any]] = {}
        self.inferred: list[bool | None] = []

    async def add(self, request: Request) -> JSONResponse:
        asked = MemoryCreate.model_validate_json(await request.body())
        self.inferred.append(asked.infer)
        results = []
        for message in asked.messages:
            memory = {"id": f"m{len(self.kept) + 1}", "memory": message.content, "user_id": asked.user_id}
            self.kept[memory["id"]] = memory
            results.append({"id": memory["id"], "memory": memory["memory"], "event": "ADD"})
        return JSONResponse({"results": results})

    async def list(self, request: Request) -> JSONResponse:
        query = dict(request.query_params)
        found = self._of(query.pop("user_id"))[: int(query.pop("top_k", "100"))]
        return failure(422, f"unknown {sorted(query)}") if query else JSONResponse({"results": found})

    async def search(self, request: Request) -> JSONResponse:
        asked = SearchRequest.model_validate_json(await request.body())
        found = [each | {"score": 0.9} for each in self._of(asked.filters.user_id) if asked.query in each["memory"]]
        return JSONResponse({"results": found[: asked.top_k]})

    async def one(self, request: Request) -> JSONResponse:
        memory = self.kept.get(request.path_params["memory"])
        if memory is None:
            return failure(404, f"Memory with id {request.path_params['memory']} not found")
        if request.method == "DELETE":
            del self.kept[memory["id"]]
            return JSONResponse({"message": "Memory deleted successfully"})
        memory["memory"] = MemoryUpdate.model_validate_json(await request.body()).text
        return JSONResponse({"message": "Memory updated successfully!"})

    def _of(self, user: str) -> Any:
        return [memory for memory in self.kept.values() if memory["user_id"] == user]

    @property
    def application(self) -> Guarded:
        api = Starlette(
            routes=[
                Route("/memories", self.add, methods=["POST"]),
                Route("/memories", self.list, methods=["GET"]),
                Route("/memories/{memory}", self.one, methods=["PUT", "DELETE"]),
                Route("/search", self.search, methods=["POST"]),
            ],
            exception_handlers={ValidationError: lambda _, error: failure(422, str(error))},
        )
        return Guarded(api, "x-api-key", KEY, {"detail": "Invalid API key."})


def failure(status: int, why: str) -> JSONResponse:
    return JSONResponse({"detail": why}, status)
