"""What can be set."""

from mcp_chassis import ChassisSettings
from pydantic import Field


class Settings(ChassisSettings):
    """Settings of this server; the chassis has more."""

    maximum_characters: int = Field(default=100_000, ge=1)
    """Longest text that is taken."""
