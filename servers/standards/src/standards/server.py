"""The tools: what a model sees of the server."""

from functools import partial
from typing import Annotated, Final

import anyio
from mcp.server import MCPServer
from mcp.server.mcpserver.exceptions import ToolError
from mcp.types import ToolAnnotations
from mcp_chassis import Chassis, Component, StartError, Status
from pydantic import Field, StringConstraints

from standards.library import Library, UnknownDocumentError
from standards.models import Documents, Found, Kind, Text
from standards.settings import Settings

NAME: Final = "standards"
VERSION: Final = "0.1.0"
INSTRUCTIONS: Final = (
    "The standards and decisions of a repository. Search them before you write or review code there, and read "
    "what applies."
)

READS: Final = ToolAnnotations(read_only_hint=True, open_world_hint=False)

OneKind = Annotated[Kind | None, Field(description="Only standards, or only decisions.")]
Path = Annotated[
    str,
    StringConstraints(min_length=1, max_length=1000),
    Field(description="A path as list_documents and search_documents return it."),
]
Words = Annotated[
    str,
    StringConstraints(strip_whitespace=True, min_length=1, max_length=500),
    Field(description="Words, or beginnings of words, that a document must all have."),
]
Limit = Annotated[int, Field(description="How many to return at most.", ge=1, le=200)]
Offset = Annotated[int, Field(description="How many to leave out from the beginning.", ge=0)]
FirstLine = Annotated[int, Field(description="The line to begin with, counted from 1.", ge=1)]
Lines = Annotated[int, Field(description="How many lines to return at most.", ge=1, le=2000)]


def build(chassis: Chassis[Settings]) -> MCPServer[None]:
    """Return the server with its tools. Raises StartError where there is no folder of documents."""
    settings = chassis.settings
    folder = settings.standards_folder.absolute()
    if not folder.is_dir():
        raise StartError(f"there is no folder {folder}; set MCP_STANDARDS_FOLDER to the one of the documents")
    library = Library(folder, maximum_bytes=settings.maximum_bytes)
    chassis.health.watch("documents", partial(_check, library))
    server = chassis.server(INSTRUCTIONS)

    @server.tool(title="List the documents", annotations=READS)
    def list_documents(kind: OneKind = None, limit: Limit = 100, offset: Offset = 0) -> Documents:
        """List standards and decisions with their titles and first sentences."""
        found = library.documents(kind)
        return Documents(found[offset : offset + limit], len(found))

    @server.tool(title="Read a document", annotations=READS)
    def read_document(path: Path, first_line: FirstLine = 1, lines: Lines = 500) -> Text:
        """Read a standard or a decision, or some of its lines."""
        try:
            return library.read(path, first_line=first_line, lines=lines)
        except UnknownDocumentError as error:
            raise ToolError(str(error)) from None

    @server.tool(title="Search the documents", annotations=READS)
    def search_documents(query: Words, kind: OneKind = None, limit: Limit = 10) -> Found:
        """Find standards and decisions that have all words of the query, the best match first."""
        return Found(library.search(query, kind=kind, limit=limit))

    return server


async def _check(library: Library) -> Component:
    found = await anyio.to_thread.run_sync(library.documents)
    return Component() if found else Component(status=Status.DEGRADED, reason="there are no documents in the folder")
