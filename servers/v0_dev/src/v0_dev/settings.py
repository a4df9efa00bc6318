"""What can be set."""

from mcp_chassis import ChassisSettings
from pydantic import Field, HttpUrl, SecretStr


class V0Settings(ChassisSettings):
    """Settings of this server; the chassis has more."""

    base_url: HttpUrl = Field(default=HttpUrl("https://api.v0.dev/v1"), validation_alias="V0_BASE_URL")
    """Where the Platform API is."""
    api_key: SecretStr = Field(validation_alias="V0_API_KEY")
    """An API key of the account that pays."""
