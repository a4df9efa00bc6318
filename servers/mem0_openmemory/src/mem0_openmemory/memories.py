"""Memories of users, by the REST API of a Mem0 of one's own.

Source: https://docs.mem0.ai/open-source/features/rest-api
"""

from http import HTTPStatus
from typing import Final

import httpx2
from mcp.server.mcpserver.exceptions import ToolError
from mcp_chassis import Chassis, UpstreamRefusedError
from mcp_chassis.upstream import Patience

from mem0_openmemory.models import Changes, Done, Memories
from mem0_openmemory.settings import OpenMemorySettings

ANSWER_SECONDS: Final = 60.0
"""Mem0 asks a model before it answers."""


class UserMemories:
    """Reads and changes memories. Raises tool errors that say what to do."""

    def __init__(self, chassis: Chassis[OpenMemorySettings]) -> None:
        self._chassis = chassis
        self._mem0 = chassis.upstream(
            "Mem0",
            str(chassis.settings.url),
            headers={"x-api-key": chassis.settings.api_key.get_secret_value()},
            patience=Patience(timeout=ANSWER_SECONDS),
        )

    async def add(self, text: str, user: str | None, *, infer: bool) -> Changes:
        """Have the facts taken out of a text, or with `infer` False keep it as it is."""
        body = {"messages": [{"role": "user", "content": text}], "user_id": self._user(user), "infer": infer}
        answer = await self._mem0.request("POST", "memories", json=body)
        return Changes.model_validate_json(answer.content)

    async def search(self, query: str, user: str | None, most: int) -> Memories:
        """Return what is like a question."""
        body = {"query": query, "filters": {"user_id": self._user(user)}, "top_k": most}
        answer = await self._mem0.request("POST", "search", json=body, idempotent=True)
        return Memories.model_validate_json(answer.content)

    async def all_of(self, user: str | None, most: int) -> Memories:
        """Return what is known of a user."""
        answer = await self._mem0.request("GET", "memories", params={"user_id": self._user(user), "top_k": most})
        return Memories.model_validate_json(answer.content)

    async def update(self, memory_id: str, text: str) -> Done:
        """Put another text in the place of a memory's."""
        answer = await self._one("PUT", memory_id, {"text": text})
        return Done.model_validate_json(answer.content)

    async def delete(self, memory_id: str) -> Done:
        """Forget a memory."""
        return Done.model_validate_json((await self._one("DELETE", memory_id)).content)

    def _user(self, given: str | None) -> str:
        return given or self._chassis.settings.user

    async def _one(self, method: str, memory_id: str, body: object = None) -> httpx2.Response:
        try:
            return await self._mem0.request(method, f"memories/{memory_id}", json=body)
        except UpstreamRefusedError as error:
            if error.status == HTTPStatus.NOT_FOUND:
                raise ToolError(f"There is no memory {memory_id}. search_memories tells the ids.") from None
            raise
