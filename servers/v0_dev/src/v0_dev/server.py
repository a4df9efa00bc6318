"""The tools: what a model sees of the server."""

from typing import Annotated, Final

from mcp.server import MCPServer
from mcp.types import ToolAnnotations
from mcp_chassis import Chassis
from pydantic import Field, StringConstraints

from v0_dev.chats import Chats
from v0_dev.models import ChatState, ChatSummaries, FileText
from v0_dev.settings import V0Settings

NAME: Final = "v0-dev"
VERSION: Final = "0.1.0"
INSTRUCTIONS: Final = (
    "Builds user interfaces with v0. start_chat and send_message return at once, while v0 works for minutes: "
    "ask get_chat until its status is completed, then look at demoUrl, or read_file. Each message costs money."
)

READS: Final = ToolAnnotations(read_only_hint=True, idempotent_hint=True, open_world_hint=True)
BUILDS: Final = ToolAnnotations(read_only_hint=False, destructive_hint=False, open_world_hint=True)

Words = Annotated[
    str,
    StringConstraints(strip_whitespace=True, min_length=1, max_length=50_000),
    Field(description="What v0 is to build or to change, in plain words."),
]
System = Annotated[str | None, Field(description="What v0 keeps to in all of the chat, such as a design system.")]
ProjectId = Annotated[
    str | None, Field(description="The v0 project that the chat belongs to.", pattern=r"^[A-Za-z0-9_-]{1,100}$")
]
ChatId = Annotated[str, Field(description="The chat's id.", pattern=r"^[A-Za-z0-9_-]{1,100}$")]
FileName = Annotated[str, Field(description="One of the files of get_chat, such as app/page.tsx.")]
Limit = Annotated[int, Field(description="Most chats to return.", ge=1, le=60)]
Offset = Annotated[int, Field(description="How many of the newest to leave out.", ge=0)]


def build(chassis: Chassis[V0Settings]) -> MCPServer[None]:
    """Return the server with its tools."""
    server = chassis.server(INSTRUCTIONS)
    chats = Chats(chassis)

    @server.tool(title="Start a chat", annotations=BUILDS)
    async def start_chat(message: Words, system: System = None, project_id: ProjectId = None) -> ChatState:
        """Have v0 build what the message describes, in a new private chat. It works on after this returned."""
        return await chats.start(message, system, project_id)

    @server.tool(title="Send a message", annotations=BUILDS)
    async def send_message(chat_id: ChatId, message: Words) -> ChatState:
        """Have v0 change what it built in a chat. It works on after this returned."""
        return await chats.send(chat_id, message)

    @server.tool(title="Look at a chat", annotations=READS)
    async def get_chat(chat_id: ChatId) -> ChatState:
        """Tell whether v0 is done, where the preview is, which files there are, and what it said."""
        return await chats.state(chat_id)

    @server.tool(title="Read a file", annotations=READS)
    async def read_file(chat_id: ChatId, file_name: FileName) -> FileText:
        """Return a file of the newest version of a chat."""
        return await chats.file(chat_id, file_name)

    @server.tool(title="List chats", annotations=READS)
    async def list_chats(limit: Limit = 20, offset: Offset = 0) -> ChatSummaries:
        """List the account's chats, the newest first."""
        return await chats.newest(limit, offset)

    return server
