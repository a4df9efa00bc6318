"""The tools: what a model sees of the memories."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from typing import Annotated

import structlog
from mcp.server import MCPServer
from mcp.server.mcpserver.exceptions import ToolError
from mcp.types import ToolAnnotations
from mcp_chassis import Chassis, UpstreamError
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StringConstraints

from ai_memory.database import Database, DatabaseAwayError, DatabaseError, DatabaseLostError
from ai_memory.embedding import Embedder, LetterEmbedder
from ai_memory.embedding_service import EmbeddingService
from ai_memory.memories import Match, Memory, NewMemory, Page, UnknownMemoryError
from ai_memory.settings import MemorySettings
from ai_memory.store import MemoryStore

VERSION = "0.1.0"
INSTRUCTIONS = (
    "A memory that outlives the conversation, shared by all who use this server. Search before you answer from what "
    "you may have been told earlier, and before you store, so that nothing is kept twice: update what has changed."
)
TEXT_LIMIT = 20_000
STORE_LIMIT = 1_000
LIMIT = 100
LARGEST_ID = 2**63 - 1

READS = ToolAnnotations(read_only_hint=True, idempotent_hint=True, open_world_hint=False)
ADDS = ToolAnnotations(read_only_hint=False, destructive_hint=False, open_world_hint=False)
CHANGES = ToolAnnotations(read_only_hint=False, destructive_hint=True, idempotent_hint=True, open_world_hint=False)

_log = structlog.get_logger(__name__)


def _storable(text: str) -> str:
    if "\0" in text:
        raise ValueError("contains the character U+0000, which can't be stored; leave it out")
    return text


Storable = AfterValidator(_storable)
Text = Annotated[
    str,
    StringConstraints(strip_whitespace=True, min_length=1, max_length=TEXT_LIMIT),
    Storable,
    Field(description="One fact, decision or preference, so that it is understood by itself. Plain text or Markdown."),
]
Tag = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=50), Storable]
Tags = Annotated[tuple[Tag, ...], Field(description="Words to file the memory under.", max_length=20)]
AllTags = Annotated[tuple[Tag, ...], Field(description="Only memories with all of these tags.", max_length=20)]
Name = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=100), Storable]
Namespace = Annotated[
    Name, Field(description="A project, team or person: what is stored in one namespace is not found in others.")
]
AnyNamespace = Annotated[Name | None, Field(description="Only memories of this namespace; all when it is left out.")]
Query = Annotated[
    str,
    StringConstraints(strip_whitespace=True, min_length=1, max_length=1_000),
    Storable,
    Field(description="What to look for: a few words, or a question."),
]
Limit = Annotated[int, Field(description="How many memories to return at most.", ge=1, le=LIMIT)]
Number = Annotated[int, Field(description="The memory's id, as the other tools return it.", ge=1, le=LARGEST_ID)]
Before = Annotated[
    Number | None, Field(description="Only older memories than the one with this id: the last one of the page before.")
]


class MemoryToStore(BaseModel):
    """A text to remember."""

    model_config = ConfigDict(extra="forbid")

    text: Text
    tags: Tags = ()


class Stored(BaseModel):
    """What was stored, in the order in which it was given."""

    memories: list[Memory]


class Found(BaseModel):
    """What a search found, the best match first."""

    matches: list[Match]


def build(chassis: Chassis[MemorySettings]) -> MCPServer[None]:
    """Return a server whose tools work on the database of its settings, which may be away."""
    settings = chassis.settings
    embedder = _embedder(chassis)
    database = Database(settings.database_url.get_secret_value(), embedder, connections=settings.database_connections)
    store = MemoryStore(database, embedder)
    chassis.health.watch("database", database.check)
    chassis.enter(_running(database, store))
    server = chassis.server(INSTRUCTIONS)
    _add_reading_tools(server, store)
    _add_writing_tools(server, store)
    return server


def _embedder(chassis: Chassis[MemorySettings]) -> Embedder:
    settings = chassis.settings
    if settings.embedding_url is None:
        return LetterEmbedder()
    key = settings.embedding_api_key
    headers = {"authorization": f"Bearer {key.get_secret_value()}"} if key else {}
    return EmbeddingService(
        chassis.upstream("embeddings", str(settings.embedding_url), headers=headers),
        model=settings.embedding_model,
        dimensions=settings.embedding_dimensions,
        least_similarity=settings.embedding_similarity,
    )


def _add_reading_tools(server: MCPServer[None], store: MemoryStore) -> None:
    @server.tool(title="Search memories", annotations=READS)
    async def search_memories(
        query: Query, namespace: Namespace = "default", tags: AllTags = (), limit: Limit = 10
    ) -> Found:
        """Find memories that have words of the query or resemble it, the best match first."""
        with _told():
            return Found(matches=await store.search(query, namespace=namespace, tags=tags, limit=limit))

    @server.tool(title="Get a memory", annotations=READS)
    async def get_memory(id: Number) -> Memory:
        """Return one memory."""
        with _told():
            return await store.get(id)

    @server.tool(title="List memories", annotations=READS)
    async def list_memories(
        namespace: AnyNamespace = None, tags: AllTags = (), before: Before = None, limit: Limit = 20
    ) -> Page:
        """List memories by namespace, by tags, or all of them: the newest first, and how many there are."""
        with _told():
            return await store.newest(namespace=namespace, tags=tags, before=before, limit=limit)


def _add_writing_tools(server: MCPServer[None], store: MemoryStore) -> None:
    @server.tool(title="Store memories", annotations=ADDS)
    async def store_memories(
        memories: Annotated[
            list[MemoryToStore], Field(description="What to remember.", min_length=1, max_length=STORE_LIMIT)
        ],
        namespace: Namespace = "default",
    ) -> Stored:
        """Remember one text or many: all of them are stored, or none. Returns them with their ids."""
        new = [NewMemory(text=memory.text, tags=memory.tags) for memory in memories]
        with _told():
            return Stored(memories=await store.add(new, namespace=namespace))

    @server.tool(title="Update a memory", annotations=CHANGES)
    async def update_memory(
        id: Number,
        text: Annotated[Text | None, Field(description="Its new text; as it was when left out.")] = None,
        tags: Annotated[Tags | None, Field(description="All its new tags; as they were when left out.")] = None,
    ) -> Memory:
        """Give a memory another text, other tags, or both. Returns it as it is then."""
        if text is None and tags is None:
            raise ToolError("Nothing to change: give a new text, new tags, or both.")
        with _told():
            return await store.change(id, text=text, tags=tags)

    @server.tool(title="Delete a memory", annotations=CHANGES)
    async def delete_memory(id: Number) -> Memory:
        """Delete one memory for good. Returns what it said."""
        with _told():
            return await store.delete(id)


@asynccontextmanager
async def _running(database: Database, store: MemoryStore) -> AsyncIterator[None]:
    """Keep the database open, and bring what another embedder has embedded up to date meanwhile."""
    await database.open()
    catching_up = asyncio.create_task(_embed_anew(store))
    try:
        yield
    finally:
        catching_up.cancel()
        await asyncio.gather(catching_up, return_exceptions=True)
        await database.close()


async def _embed_anew(store: MemoryStore) -> None:
    while True:
        try:
            done = await store.embed_anew()
        except DatabaseAwayError as error:
            _log.warning("waiting_for_the_database", reason=str(error))
        except (DatabaseError, UpstreamError) as error:
            _log.error("not_embedded_anew_before_the_next_start", reason=str(error))
            return
        else:
            if done:
                _log.info("embedded_anew", memories=done)
            return


@contextmanager
def _told() -> Iterator[None]:
    """Tell the model what it can do about what went wrong."""
    try:
        yield
    except UnknownMemoryError as error:
        raise ToolError(
            f"There is no memory {error}; search_memories and list_memories return the ids of those there are."
        ) from None
    except DatabaseLostError as error:
        raise ToolError(f"{_sentence(error)} A change may have been made or not: look before you repeat it.") from error
    except DatabaseError as error:
        raise ToolError(f"{_sentence(error)} Nothing was changed.") from error


def _sentence(error: DatabaseError) -> str:
    text = str(error)
    return f"{text[0].upper()}{text[1:]}."
