"""The tools: what a model sees of the notes."""

import sqlite3
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Annotated

import anyio
from mcp.server import MCPServer
from mcp.server.mcpserver.exceptions import ToolError
from mcp.types import ToolAnnotations
from mcp_chassis import Chassis, Component, StartError
from pydantic import Field, StringConstraints

from notes.settings import DIRECTORY_VARIABLE, NotesSettings
from notes.store import Note, NoteStore, UnknownNoteError

VERSION = "0.1.0"
INSTRUCTIONS = "Notes that a team keeps. Search before you add, so that nothing is kept twice."

READS = ToolAnnotations(read_only_hint=True, open_world_hint=False)
ADDS = ToolAnnotations(read_only_hint=False, destructive_hint=False, open_world_hint=False)
DELETES = ToolAnnotations(read_only_hint=False, destructive_hint=True, open_world_hint=False)

Text = Annotated[
    str,
    StringConstraints(strip_whitespace=True, min_length=1, max_length=100_000),
    Field(description="What to keep, as plain text or Markdown."),
]
Title = Annotated[str, StringConstraints(strip_whitespace=True, max_length=200), Field(description="A short title.")]
Tag = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=50)]
Tags = Annotated[list[Tag], Field(description="Words to find the note by.", max_length=20)]
OneTag = Annotated[Tag | None, Field(description="Only notes with this tag.")]
Words = Annotated[
    str,
    StringConstraints(strip_whitespace=True, min_length=1, max_length=500),
    Field(description="Words, or beginnings of words, that a note must all have in its title, text or tags."),
]
Limit = Annotated[int, Field(description="How many notes to return at most.", ge=1, le=100)]
Offset = Annotated[int, Field(description="How many of the newest notes to leave out.", ge=0)]
Number = Annotated[int, Field(description="The note's id, as the other tools return it.", ge=1)]


@dataclass(frozen=True)
class Notes:
    """Some notes; `total` is how many there are of the kind asked for."""

    notes: list[Note]
    total: int


@dataclass(frozen=True)
class Found:
    """The notes that a search found, the best match first."""

    notes: list[Note]


def build(chassis: Chassis[NotesSettings]) -> MCPServer[None]:
    """Return a server whose tools work on the notes. Raises StartError where none can be kept."""
    store = _opened(chassis.settings.directory)
    chassis.health.watch("store", partial(_check, store), required=True)
    server = chassis.server(INSTRUCTIONS)

    @server.tool(title="Add a note", annotations=ADDS)
    def add_note(text: Text, title: Title = "", tags: Tags = []) -> Note:  # noqa: B006 - the schema's default; never changed
        """Keep a note for later. Returns it with its id."""
        return store.add(text, title=title, tags=tags)

    @server.tool(title="Search the notes", annotations=READS)
    def search_notes(query: Words, tag: OneTag = None, limit: Limit = 10) -> Found:
        """Find notes that have all words of the query, the best match first."""
        return Found(store.search(query, tag=tag, limit=limit))

    @server.tool(title="List the notes", annotations=READS)
    def list_notes(tag: OneTag = None, limit: Limit = 20, offset: Offset = 0) -> Notes:
        """List notes, the newest first, and how many there are."""
        return Notes(store.newest(tag=tag, limit=limit, offset=offset), store.count(tag=tag))

    @server.tool(title="Delete a note", annotations=DELETES)
    def delete_note(id: Number) -> Note:
        """Delete one note for good. Returns what it said."""
        try:
            return store.delete(id)
        except UnknownNoteError:
            raise ToolError(f"There is no note {id}; list_notes and search_notes return the ids.") from None

    return server


def _opened(directory: Path) -> NoteStore:
    try:
        directory.mkdir(parents=True, exist_ok=True)
        return NoteStore(directory / "notes.sqlite3")
    except (OSError, sqlite3.Error) as error:
        raise StartError(f"can't write to {directory.absolute()} ({error}); set {DIRECTORY_VARIABLE}") from error


async def _check(store: NoteStore) -> Component:
    await anyio.to_thread.run_sync(partial(store.count, tag=None))
    return Component()
