"""Notes in one SQLite file with a full-text index (https://www.sqlite.org/fts5.html)."""

import json
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

BUSY_SECONDS = 5.0
"""How long a call waits for another replica that is writing."""

SCHEMA = """
CREATE TABLE IF NOT EXISTS note (
    id      INTEGER PRIMARY KEY AUTOINCREMENT,
    title   TEXT NOT NULL,
    text    TEXT NOT NULL,
    tags    TEXT NOT NULL,
    created TEXT NOT NULL
);
CREATE VIRTUAL TABLE IF NOT EXISTS note_index
USING fts5 (title, text, tags, content='note', content_rowid='id');
CREATE TRIGGER IF NOT EXISTS note_added AFTER INSERT ON note BEGIN
    INSERT INTO note_index (rowid, title, text, tags) VALUES (new.id, new.title, new.text, new.tags);
END;
CREATE TRIGGER IF NOT EXISTS note_deleted AFTER DELETE ON note BEGIN
    INSERT INTO note_index (note_index, rowid, title, text, tags)
    VALUES ('delete', old.id, old.title, old.text, old.tags);
END;
"""

ADD = "INSERT INTO note (title, text, tags, created) VALUES (?, ?, ?, ?) RETURNING id"
SEARCH = """
SELECT note.id, note.title, note.text, note.tags, note.created
FROM note_index JOIN note ON note.id = note_index.rowid
WHERE note_index MATCH :words AND (:tag IS NULL OR :tag IN (SELECT value FROM json_each(note.tags)))
ORDER BY note_index.rank, note.id DESC LIMIT :limit
"""
NEWEST = """
SELECT id, title, text, tags, created FROM note
WHERE :tag IS NULL OR :tag IN (SELECT value FROM json_each(tags))
ORDER BY id DESC LIMIT :limit OFFSET :offset
"""
COUNT = "SELECT count(*) FROM note WHERE :tag IS NULL OR :tag IN (SELECT value FROM json_each(tags))"
DELETE = "DELETE FROM note WHERE id = ? RETURNING id, title, text, tags, created"


@dataclass(frozen=True)
class Note:
    """One note. `created` is an ISO 8601 time in UTC."""

    id: int
    title: str
    text: str
    tags: list[str]
    created: str


class UnknownNoteError(LookupError):
    """There is no note with this id."""


class NoteStore:
    """The notes in one file. Threads and processes may share it: each call is a transaction of its own."""

    def __init__(self, path: Path) -> None:
        """Open the file, or make it. Raises sqlite3.Error where it can't be written or is no SQLite file."""
        self._path = path
        with self._connection() as connection:
            connection.executescript(SCHEMA)

    def add(self, text: str, *, title: str, tags: Sequence[str]) -> Note:
        """Keep a note and return it with its id. Repeated tags are kept once."""
        unique = list(dict.fromkeys(tags))
        created = datetime.now(UTC).isoformat(timespec="seconds")
        with self._connection() as connection:
            row = (title, text, json.dumps(unique, ensure_ascii=False), created)
            (number,) = connection.execute(ADD, row).fetchone()
        return Note(number, title, text, unique, created)

    def search(self, query: str, *, tag: str | None, limit: int) -> list[Note]:
        """Return notes that have every word of `query`, or one that begins so; the best match first."""
        # Each word is quoted, so that no query is FTS5 syntax; a NUL would end the expression.
        words = (word.replace('"', '""') for word in query.replace("\0", " ").split())
        expression = " ".join(f'"{word}"*' for word in words)
        if not expression:
            return []
        with self._connection() as connection:
            rows = connection.execute(SEARCH, {"words": expression, "tag": tag, "limit": limit})
            return [_note(row) for row in rows]

    def newest(self, *, tag: str | None, limit: int, offset: int) -> list[Note]:
        """Return notes, the newest first, leaving out the first `offset` of them."""
        with self._connection() as connection:
            rows = connection.execute(NEWEST, {"tag": tag, "limit": limit, "offset": offset})
            return [_note(row) for row in rows]

    def count(self, *, tag: str | None) -> int:
        """Return how many notes there are, or how many have the tag."""
        with self._connection() as connection:
            (count,) = connection.execute(COUNT, {"tag": tag}).fetchone()
        return int(count)

    def delete(self, number: int) -> Note:
        """Delete a note and return it. Raises UnknownNoteError where there is none with this id."""
        with self._connection() as connection:
            row = connection.execute(DELETE, (number,)).fetchone()
        if row is None:
            raise UnknownNoteError(number)
        return _note(row)

    @contextmanager
    def _connection(self) -> Iterator[sqlite3.Connection]:
        connection = sqlite3.connect(self._path, timeout=BUSY_SECONDS)
        try:
            with connection:
                yield connection
        finally:
            connection.close()


def _note(row: tuple[int, str, str, str, str]) -> Note:
    number, title, text, tags, created = row
    return Note(number, title, text, json.loads(tags), created)
