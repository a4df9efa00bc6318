"""What the bridge proves itself with, and what others prove themselves with to it. Its child gets none of it."""

from dataclasses import dataclass
from pathlib import Path

from .redaction import SecretsError
from .settings import Settings


@dataclass(frozen=True, kw_only=True)
class Credentials:
    """Secrets of the bridge itself.

    Arguments:
        gateway_token: what the gateway must send, None without a gateway.
        cache_redis_password: of the bridge's user in Redis, None where it needs none.
    """

    gateway_token: str | None
    cache_redis_password: str | None

    @property
    def values(self) -> list[str]:
        """All of them."""
        return [value for value in (self.gateway_token, self.cache_redis_password) if value is not None]


def read_credentials(settings: Settings) -> Credentials:
    """Read the files that the command line names. Raises SecretsError or OSError, which name the file."""
    return Credentials(
        gateway_token=_read(settings.gateway_token_file, "the gateway's token"),
        cache_redis_password=_read(settings.cache_redis_password_file, "the password for Redis"),
    )


def _read(file: Path | None, what: str) -> str | None:
    if file is None:
        return None
    value = file.read_text(encoding="utf-8").strip()
    if not value:
        raise SecretsError(f"{file}: empty; it must hold {what}.")
    return value
