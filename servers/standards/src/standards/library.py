"""The documents of one folder, read again when they change, with a full-text index (https://www.sqlite.org/fts5.html)."""

import difflib
import os
import re
import sqlite3
import threading
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from stat import S_ISREG
from typing import Final

import structlog

from standards.models import Document, Kind, Match, Text

SUFFIXES: Final = (".md", ".mdc")
DECISION_FOLDERS: Final = frozenset({"adr", "adrs", "decisions"})
SUMMARY_CHARACTERS: Final = 200
EXCERPT_WORDS: Final = 24

_TITLE: Final = re.compile(r"^#[ \t]+(.+?)[ \t#]*$", re.MULTILINE)
_SEARCH: Final = """
SELECT path, snippet(page, 2, '**', '**', '…', :words) FROM page
WHERE page MATCH :query ORDER BY bm25(page, 0, 5, 1), path LIMIT :limit
"""

Signature = tuple[tuple[str, int, int], ...]


class UnknownDocumentError(LookupError):
    """There is no such document. The message says what there is instead."""


@dataclass(frozen=True)
class _Page:
    document: Document
    text: str


class Library:
    """The documents below `folder` that are regular files of at most `maximum_bytes`. Threads may share it.

    No path that a caller gives is ever opened: it is looked up among those that were found. Links are not followed, so
    that nothing outside of the folder is served.
    """

    def __init__(self, folder: Path, *, maximum_bytes: int) -> None:
        self._folder = folder
        self._maximum_bytes = maximum_bytes
        self._lock = threading.Lock()
        self._seen: Signature | None = None
        self._pages: dict[str, _Page] = {}

    def documents(self, kind: Kind | None = None) -> list[Document]:
        """Return what the documents are about, by their paths. Raises OSError where the folder can't be read."""
        return [page.document for page in self._current().values() if kind in (None, page.document.kind)]

    def read(self, path: str, *, first_line: int, lines: int) -> Text:
        """Return some lines of a document. Raises UnknownDocumentError."""
        pages = self._current()
        page = pages.get(path)
        if page is None:
            close = difflib.get_close_matches(path, pages, n=3)
            instead = f"Nearest: {', '.join(close)}." if close else "list_documents returns the paths that there are."
            raise UnknownDocumentError(f"There is no document {path[:100]!r}. {instead}")
        every = page.text.splitlines()
        wanted = every[first_line - 1 : first_line - 1 + lines]
        more = max(0, len(every) - (first_line - 1) - len(wanted))
        return Text(path, page.document.title, first_line, "\n".join(wanted), more)

    def search(self, query: str, *, kind: Kind | None, limit: int) -> list[Match]:
        """Return documents that have every word of `query`, or one that begins so; the best match first."""
        # Each word is quoted, so that no query is FTS5 syntax; a NUL would end the expression.
        words = (word.replace('"', '""') for word in query.replace("\0", " ").split())
        expression = " ".join(f'"{word}"*' for word in words)
        pages = {path: page for path, page in self._current().items() if kind in (None, page.document.kind)}
        if not expression:
            return []
        with closing(sqlite3.connect(":memory:")) as index:
            index.execute("CREATE VIRTUAL TABLE page USING fts5 (path UNINDEXED, title, text)")
            rows = ((path, page.document.title, page.text) for path, page in pages.items())
            index.executemany("INSERT INTO page VALUES (?, ?, ?)", rows)
            wanted = {"query": expression, "limit": limit, "words": EXCERPT_WORDS}
            found = index.execute(_SEARCH, wanted).fetchall()
        return [_match(pages[path].document, excerpt) for path, excerpt in found]

    def _current(self) -> dict[str, _Page]:
        """Return the documents as they are, read again if one was changed, added or removed."""
        with self._lock:
            files = dict(self._files())
            signature = tuple((path, stat.st_mtime_ns, stat.st_size) for path, stat in files.items())
            if signature != self._seen:
                pages = ((path, self._page(path)) for path in files)
                self._pages = {path: page for path, page in pages if page is not None}
                self._seen = signature
            return self._pages

    def _files(self) -> Iterator[tuple[str, os.stat_result]]:
        if not self._folder.is_dir():
            raise NotADirectoryError(f"{self._folder} is no folder")
        found: list[tuple[str, os.stat_result]] = []
        for folder, names, files in os.walk(self._folder, followlinks=False):
            names[:] = [name for name in names if not name.startswith(".")]
            for name in files:
                if name.endswith(SUFFIXES):
                    file = Path(folder, name)
                    stat = file.lstat()
                    if S_ISREG(stat.st_mode):
                        found.append((file.relative_to(self._folder).as_posix(), stat))
        yield from sorted(found)

    def _page(self, path: str) -> _Page | None:
        """Read a document; None, which is logged, where it is too large or can't be read."""
        log = structlog.get_logger("standards")
        try:
            # A link that took its place since it was listed is not followed.
            descriptor = os.open(self._folder / path, os.O_RDONLY | os.O_NOFOLLOW)
            with open(descriptor, "rb") as file:  # noqa: PTH123 - pathlib opens no descriptors
                content = file.read(self._maximum_bytes + 1)
        except OSError as error:
            log.warning("document_not_read", path=path, reason=error.strerror)
            return None
        if len(content) > self._maximum_bytes:
            log.warning("document_too_large", path=path, maximum_bytes=self._maximum_bytes)
            return None
        text = content.decode("utf-8", errors="replace")
        return _Page(_about(path, text), text)


def _match(document: Document, excerpt: str) -> Match:
    return Match(document.path, document.title, document.kind, " ".join(excerpt.split()))


def _about(path: str, text: str) -> Document:
    heading = _TITLE.search(text)
    title = heading[1] if heading else Path(path).stem
    paragraphs = (text[heading.end() :] if heading else text).split("\n\n")
    prose = (" ".join(paragraph.split()) for paragraph in paragraphs if not paragraph.lstrip().startswith(("#", "---")))
    summary = next((paragraph for paragraph in prose if paragraph), "")
    kind: Kind = "decision" if DECISION_FOLDERS & set(Path(path).parts[:-1]) else "standard"
    return Document(path, title, kind, summary[:SUMMARY_CHARACTERS])
