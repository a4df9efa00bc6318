"""What can be set."""

from mcp_chassis import ChassisSettings
from pydantic import Field, HttpUrl, SecretStr


class OpenMemorySettings(ChassisSettings):
    """Settings of this server; the chassis has more."""

    url: HttpUrl = Field(validation_alias="OPENMEMORY_URL")
    """Where Mem0's API is."""
    api_key: SecretStr = Field(validation_alias="OPENMEMORY_API_KEY")
    """A key of a user of it."""
    user: str = Field(default="team", min_length=1, max_length=200, validation_alias="OPENMEMORY_USER")
    """Whose memories those are where a call names nobody."""
