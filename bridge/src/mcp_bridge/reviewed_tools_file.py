"""The file that says which tools were reviewed."""

from pathlib import Path

import msgspec


class ReviewedToolsError(Exception):
    """The file can't be used; the message says why."""


def read_reviewed_tools(file: Path | None) -> dict[str, str] | None:
    """Return the hashes of the reviewed tools by name; None without a file. Raises ReviewedToolsError."""
    if file is None:
        return None
    try:
        return msgspec.json.decode(file.read_bytes(), type=dict[str, str])
    except (OSError, msgspec.DecodeError, UnicodeDecodeError) as error:
        raise ReviewedToolsError(f"{file}: not the hashes of reviewed tools by name, as JSON: {error}") from error
