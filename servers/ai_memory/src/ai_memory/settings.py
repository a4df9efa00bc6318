"""What can be set."""

from mcp_chassis import ChassisSettings
from pydantic import AliasChoices, Field, HttpUrl, SecretStr, field_validator, model_validator

from ai_memory.database import CONNECTIONS, check_dsn
from ai_memory.embedding import LARGEST_DIMENSIONS


class MemorySettings(ChassisSettings):
    """Settings of this server; the chassis has more."""

    database_url: SecretStr = Field(validation_alias=AliasChoices("DATABASE_URL", "MCP_DATABASE_URL"))
    """Connection string of a PostgreSQL database with pgvector: postgresql://user:password@host:5432/database."""
    database_connections: int = Field(default=CONNECTIONS, ge=1, le=100)
    """Most connections that one process opens."""
    embedding_url: HttpUrl | None = None
    """Where a service of OpenAI's embeddings API is, up to /v1; without it texts are compared by their letters."""
    embedding_model: str = Field(default="", max_length=200)
    """The model that the service embeds with."""
    embedding_dimensions: int = Field(default=1024, ge=2, le=LARGEST_DIMENSIONS)
    """How many numbers a vector of the model has."""
    embedding_api_key: SecretStr | None = None
    """The service's API key."""
    embedding_similarity: float = Field(default=0.4, ge=-1, lt=1)
    """Cosine from which on two texts are alike to the model."""

    @field_validator("database_url")
    @classmethod
    def _connection_string(cls, value: SecretStr) -> SecretStr:
        check_dsn(value.get_secret_value())
        return value

    @model_validator(mode="after")
    def _model_named(self) -> "MemorySettings":
        if self.embedding_url is not None and not self.embedding_model:
            raise ValueError("MCP_EMBEDDING_URL needs MCP_EMBEDDING_MODEL, the model that the service embeds with")
        return self
