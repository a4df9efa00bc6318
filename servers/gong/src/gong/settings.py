"""What can be set."""

from mcp_chassis import ChassisSettings
from pydantic import Field, HttpUrl, SecretStr


class GongSettings(ChassisSettings):
    """Settings of this server; the chassis has more."""

    base_url: HttpUrl = Field(default=HttpUrl("https://api.gong.io"), validation_alias="GONG_BASE_URL")
    """The company's own address of the API."""
    access_key: SecretStr = Field(validation_alias="GONG_ACCESS_KEY")
    """The access key of an API key."""
    access_key_secret: SecretStr = Field(validation_alias="GONG_ACCESS_KEY_SECRET")
    """Its secret."""
