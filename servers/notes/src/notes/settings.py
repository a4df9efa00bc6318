"""What can be set."""

from pathlib import Path
from typing import Final

from mcp_chassis import ChassisSettings
from pydantic import Field

DIRECTORY_VARIABLE: Final = "NOTES_DIRECTORY"


class NotesSettings(ChassisSettings):
    """Settings of this server; the chassis has more."""

    directory: Path = Field(default=Path("data"), validation_alias=DIRECTORY_VARIABLE)
    """Where the file with the notes is kept; made when it is missing."""
