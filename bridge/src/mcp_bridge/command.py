"""The command `mcp-bridge`."""

import sys

import uvloop

from . import logs
from .redaction import Redactor, SecretsError, read_secrets
from .reload import ReloadError
from .service import Service
from .settings import Settings, parse


def main() -> None:
    """Run the bridge and exit with its status."""
    settings = parse(sys.argv[1:])
    try:
        secrets = read_secrets(settings.secrets_dir)
        token = _read_token(settings)
    except (SecretsError, OSError) as error:
        sys.exit(f"mcp-bridge: {error}")
    redactor = Redactor([*secrets.values(), *([token] if token is not None else [])])
    logs.configure(settings.log_level, settings.name, redactor)
    try:
        status = uvloop.run(_run(settings, secrets, token, redactor))
    except ReloadError as error:
        sys.exit(f"mcp-bridge: {error}")
    except OSError as error:
        sys.exit(f"mcp-bridge: can't listen on {settings.host}:{settings.port}: {error.strerror or error}")
    sys.exit(status)


async def _run(settings: Settings, secrets: dict[str, str], token: str | None, redactor: Redactor) -> int:
    return await Service(settings, secrets, token, redactor).run()


def _read_token(settings: Settings) -> str | None:
    if settings.gateway_token_file is None:
        return None
    token = settings.gateway_token_file.read_text().strip()
    if not token:
        raise SecretsError(f"{settings.gateway_token_file}: empty; it must hold the gateway's token.")
    return token
