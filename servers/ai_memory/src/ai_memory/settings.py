"""What the server is told by its environment."""

from pydantic import Field, SecretStr, field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from ai_memory.database import CONNECTIONS, check_dsn


class Settings(BaseSettings):
    """Settings of ai-memory; each is an environment variable of the same name, in capitals."""

    model_config = SettingsConfigDict(frozen=True, hide_input_in_errors=True)

    database_url: SecretStr
    """Connection string of a PostgreSQL database with pgvector: postgresql://user:password@host:5432/database."""
    database_connections: int = Field(default=CONNECTIONS, ge=1, le=100)
    """Most connections that one process opens."""

    @field_validator("database_url")
    @classmethod
    def _connection_string(cls, value: SecretStr) -> SecretStr:
        check_dsn(value.get_secret_value())
        return value
