"""What can be set."""

from pathlib import Path

from mcp_chassis import ChassisSettings
from pydantic import Field


class Settings(ChassisSettings):
    """Settings of this server; the chassis has more."""

    standards_folder: Path = Path("docs")
    """The folder of the documents: Markdown files, in folders of any depth."""

    maximum_bytes: int = Field(default=262_144, ge=1)
    """Largest document that is served, in bytes."""
