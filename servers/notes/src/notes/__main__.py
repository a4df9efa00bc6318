"""Serve the notes on stdin and stdout: `notes`, or `python -m notes`."""

from mcp_chassis import run

from notes.server import VERSION, build
from notes.settings import NotesSettings


def main() -> None:
    """Open the notes and serve them until stdin ends. Exits with a message where they can't be kept."""
    run("notes", VERSION, NotesSettings, build)


if __name__ == "__main__":
    main()
