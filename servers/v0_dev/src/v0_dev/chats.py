"""Chats with v0, by its Platform API.

Source: https://v0.app/docs/api/platform
"""

from typing import Final

import httpx2
from mcp.server.mcpserver.exceptions import ToolError
from mcp_chassis import Chassis, UpstreamRefusedError

from v0_dev.models import Chat, ChatList, ChatState, ChatSummaries, ChatSummary, FileText
from v0_dev.settings import V0Settings

NOT_FOUND: Final = 404


class Chats:
    """Has v0 build things. Raises tool errors that say what to do."""

    def __init__(self, chassis: Chassis[V0Settings]) -> None:
        settings = chassis.settings
        headers = {"authorization": f"Bearer {settings.api_key.get_secret_value()}"}
        self._v0 = chassis.upstream("v0", str(settings.base_url), headers=headers)

    async def start(self, message: str, system: str | None, project_id: str | None) -> ChatState:
        """Begin a private chat. What is asked for is built after this returned."""
        said = {"message": message, "system": system, "projectId": project_id}
        given = {name: value for name, value in said.items() if value is not None}
        # A whole page takes v0 minutes: longer than clients wait for a call.
        body = {**given, "chatPrivacy": "private", "responseMode": "async"}
        return _state(await self._v0.request("POST", "chats", json=body))

    async def send(self, chat_id: str, message: str) -> ChatState:
        """Say more in a chat."""
        body = {"message": message, "responseMode": "async"}
        return _state(await self._chat("POST", f"chats/{chat_id}/messages", chat_id, body))

    async def state(self, chat_id: str) -> ChatState:
        """Return how far a chat is."""
        return _state(await self._chat("GET", f"chats/{chat_id}", chat_id))

    async def file(self, chat_id: str, name: str) -> FileText:
        """Return a file of a chat's newest version."""
        chat = Chat.model_validate_json((await self._chat("GET", f"chats/{chat_id}", chat_id)).content)
        files = chat.latest_version.files if chat.latest_version else ()
        found = next((file for file in files if file.name == name), None)
        if found is None:
            known = ", ".join(file.name for file in files)
            has = f"has {known}" if known else "has no files yet: ask get_chat until its status is completed"
            raise ToolError(f"There is no file {name!r} in chat {chat_id}; it {has}.")
        return FileText(name=found.name, content=found.content)

    async def newest(self, limit: int, offset: int) -> ChatSummaries:
        """Return chats without what is in them."""
        answer = await self._v0.request("GET", "chats", params={"limit": limit, "offset": offset})
        found = ChatList.model_validate_json(answer.content).data
        return ChatSummaries(
            chats=tuple(
                ChatSummary(
                    id=chat.id,
                    name=chat.name,
                    web_url=chat.web_url,
                    created_at=chat.created_at,
                    status=chat.latest_version.status if chat.latest_version else None,
                )
                for chat in found
            )
        )

    async def _chat(self, method: str, path: str, chat_id: str, body: object = None) -> httpx2.Response:
        try:
            return await self._v0.request(method, path, json=body)
        except UpstreamRefusedError as error:
            if error.status == NOT_FOUND:
                raise ToolError(f"v0 has no chat {chat_id} of this account. list_chats tells the ids.") from None
            raise


def _state(answer: httpx2.Response) -> ChatState:
    chat = Chat.model_validate_json(answer.content)
    version = chat.latest_version
    said = [message.content for message in chat.messages if message.role == "assistant"]
    return ChatState(
        id=chat.id,
        web_url=chat.web_url,
        status=version.status if version else None,
        demo_url=version.demo_url if version else None,
        files=tuple(file.name for file in version.files) if version else (),
        answer=said[-1] if said else None,
    )
