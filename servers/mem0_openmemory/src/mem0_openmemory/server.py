"""The tools: what a model sees of the server."""

from typing import Annotated, Final

from mcp.server import MCPServer
from mcp.types import ToolAnnotations
from mcp_chassis import Chassis
from pydantic import Field, StringConstraints

from mem0_openmemory.memories import UserMemories
from mem0_openmemory.models import Changes, Done, Memories
from mem0_openmemory.settings import OpenMemorySettings

NAME: Final = "mem0-openmemory"
VERSION: Final = "0.1.0"
INSTRUCTIONS: Final = (
    "Remembers facts of users, from one talk to the next. Search before answering what may depend on who asks; add "
    "what is worth knowing next time. Correct a memory by update_memory, rather than by adding what contradicts it."
)

READS: Final = ToolAnnotations(read_only_hint=True, idempotent_hint=True, open_world_hint=True)
ADDS: Final = ToolAnnotations(read_only_hint=False, destructive_hint=False, open_world_hint=True)
REPLACES: Final = ToolAnnotations(
    read_only_hint=False, destructive_hint=True, idempotent_hint=True, open_world_hint=True
)

Words = Annotated[
    str,
    StringConstraints(strip_whitespace=True, min_length=1, max_length=20_000),
    Field(description="What to remember, in plain words."),
]
Question = Annotated[
    str,
    StringConstraints(strip_whitespace=True, min_length=1, max_length=2000),
    Field(description="What to look for, in plain words."),
]
User = Annotated[
    str | None, Field(description="Whose memories; without it those of the team.", min_length=1, max_length=200)
]
AsItIs = Annotated[bool, Field(description="Keep the text as it is, rather than the facts that a model finds in it.")]
Most = Annotated[int, Field(description="Most memories to return.", ge=1, le=100)]
MemoryId = Annotated[str, Field(description="The memory's id.", pattern=r"^[A-Za-z0-9-]{1,64}$")]


def build(chassis: Chassis[OpenMemorySettings]) -> MCPServer[None]:
    """Return the server with its tools."""
    server = chassis.server(INSTRUCTIONS)
    memories = UserMemories(chassis)

    @server.tool(title="Add a memory", annotations=ADDS)
    async def add_memory(text: Words, user: User = None, as_it_is: AsItIs = False) -> Changes:
        """Remember the facts of a text. What is known already is brought up to date."""
        return await memories.add(text, user, infer=not as_it_is)

    @server.tool(title="Search memories", annotations=READS)
    async def search_memories(query: Question, user: User = None, most: Most = 10) -> Memories:
        """Find what is like a question, the likest first."""
        return await memories.search(query, user, most)

    @server.tool(title="List memories", annotations=READS)
    async def list_memories(user: User = None, most: Most = 50) -> Memories:
        """List what is known of a user."""
        return await memories.all_of(user, most)

    @server.tool(title="Update a memory", annotations=REPLACES)
    async def update_memory(memory_id: MemoryId, text: Words) -> Done:
        """Put another text in the place of a memory's."""
        return await memories.update(memory_id, text)

    @server.tool(title="Delete a memory", annotations=REPLACES)
    async def delete_memory(memory_id: MemoryId) -> Done:
        """Forget a memory."""
        return await memories.delete(memory_id)

    return server
