"""A strict stand-in of v0's Platform API, after its published types; what they do not have is refused.

Source: https://v0.app/docs/api/platform, and the types of Vercel's own client, npm:v0-sdk@0.8.0
"""

from typing import Any, Final, Literal

from pydantic import BaseModel, ConfigDict, ValidationError
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route
from tests.http_service import Guarded

KEY: Final = "v1:team:canary-5f2a"
REFUSAL: Final = {"error": {"type": "error", "message": "Invalid API key"}}


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid")


class SendMessage(_Strict):
    """The body of a message."""

    message: str
    responseMode: Literal["sync", "async"] = "sync"  # noqa: N815 - v0's names


class CreateChat(SendMessage):
    """The body of a new chat."""

    system: str | None = None
    chatPrivacy: Literal["public", "private", "team", "team-edit", "unlisted"] = "public"  # noqa: N815 - v0's names
    projectId: str | None = None  # noqa: N815 - v0's names


class V0:
    """An account's chats. What is asked for is built when a chat is looked at for the second time."""

    def __init__(self) -> None:
        self.chats: dict[str, dict[str, Any]] = {}
        self.asked: list[_Strict] = []

    async def create(self, request: Request) -> JSONResponse:
        asked = CreateChat.model_validate_json(await request.body())
        number = len(self.chats) + 1
        chat: dict[str, Any] = {
            "id": f"chat{number}",
            "object": "chat",
            "shareable": False,
            "privacy": asked.chatPrivacy,
            "name": asked.message[:20],
            "createdAt": f"2026-01-0{number}T10:00:00Z",
            "favorite": False,
            "authorId": "u1",
            "webUrl": f"https://v0.app/chat/chat{number}",
            "apiUrl": f"https://api.v0.dev/v1/chats/chat{number}",
            "messages": [],
            "text": "",
        }
        self.chats[chat["id"]] = chat
        return self._said(chat, asked)

    async def send(self, request: Request) -> JSONResponse:
        chat = self.chats.get(request.path_params["chat"])
        asked = SendMessage.model_validate_json(await request.body())
        return self._said(chat, asked) if chat else failure(404, "Chat not found")

    async def get(self, request: Request) -> JSONResponse:
        chat = self.chats.get(request.path_params["chat"])
        if chat is None:
            return failure(404, "Chat not found")
        answer = JSONResponse(chat)
        chat["latestVersion"] |= {
            "status": "completed",
            "demoUrl": "https://demo.example.com",
            "files": [{"object": "file", "name": "app/page.tsx", "content": "export default 1", "locked": False}],
        }
        return answer

    async def find(self, request: Request) -> JSONResponse:
        query = dict(request.query_params)
        limit, offset = int(query.pop("limit", "60")), int(query.pop("offset", "0"))
        if query:
            return failure(400, f"unknown parameters {sorted(query)}")
        newest = [{key: chat[key] for key in chat if key != "messages"} for chat in reversed(self.chats.values())]
        return JSONResponse({"object": "list", "data": newest[offset : offset + limit]})

    def _said(self, chat: dict[str, Any], asked: SendMessage) -> JSONResponse:
        self.asked.append(asked)
        said = [
            {"id": "m", "object": "message", "role": "user", "content": asked.message},
            {"id": "n", "object": "message", "role": "assistant", "content": f"Done: {asked.message}"},
        ]
        chat["messages"] += said
        chat["latestVersion"] = {"id": "b1", "object": "version", "status": "pending", "createdAt": "x", "files": []}
        return JSONResponse(chat)

    @property
    def application(self) -> Guarded:
        api = Starlette(
            routes=[
                Route("/v1/chats", self.create, methods=["POST"]),
                Route("/v1/chats", self.find, methods=["GET"]),
                Route("/v1/chats/{chat}", self.get, methods=["GET"]),
                Route("/v1/chats/{chat}/messages", self.send, methods=["POST"]),
            ],
            exception_handlers={ValidationError: lambda _, error: failure(422, str(error))},
        )
        return Guarded(
            api, "authorization", f"Bearer {KEY}", {"error": {"type": "error", "message": "Invalid API key"}}
        )


def failure(status: int, why: str) -> JSONResponse:
    return JSONResponse({"error": {"type": "error", "message": why}}, status)
