"""What can be set."""

from mcp_chassis import ChassisSettings
from pydantic import Field, HttpUrl, SecretStr


class CortexSettings(ChassisSettings):
    """Settings of this server; the chassis has more."""

    url: HttpUrl = Field(validation_alias="SNOWFLAKE_URL")
    """The account's URL."""
    token: SecretStr = Field(validation_alias="SNOWFLAKE_PAT")
    """A programmatic access token."""
    warehouse: str = Field(default="", validation_alias="SNOWFLAKE_WAREHOUSE")
    """The warehouse that statements run on, by its exact name; without one, the user's own."""
    role: str = Field(default="", validation_alias="SNOWFLAKE_ROLE")
    """The role that they run with."""
    database: str = Field(default="", validation_alias="SNOWFLAKE_DATABASE")
    """The database that names without one are of."""
    schema_name: str = Field(default="", validation_alias="SNOWFLAKE_SCHEMA")
    """The schema that names without one are of."""
    statement_seconds: int = Field(default=600, ge=1, le=86_400)
    """After which Snowflake ends a statement."""
