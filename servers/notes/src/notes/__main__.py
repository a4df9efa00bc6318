"""Serve the notes on stdin and stdout: `notes`, or `python -m notes`."""

import os
import sqlite3
import sys
from pathlib import Path

from notes.server import build
from notes.store import NoteStore

DIRECTORY_VARIABLE = "NOTES_DIRECTORY"


def main() -> None:
    """Open the notes and serve them until stdin ends. Exits with a message where they can't be kept."""
    directory = Path(os.environ.get(DIRECTORY_VARIABLE, "data"))
    try:
        directory.mkdir(parents=True, exist_ok=True)
        store = NoteStore(directory / "notes.sqlite3")
    except (OSError, sqlite3.Error) as error:
        where = directory.absolute()
        sys.exit(f"notes: can't write to {where} ({error}); set {DIRECTORY_VARIABLE}")
    build(store).run("stdio")


if __name__ == "__main__":
    main()
