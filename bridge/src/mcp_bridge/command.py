"""The command `mcp-bridge`."""

import sys
from pathlib import Path

import uvloop

from . import logs
from .child_metrics import metrics_folder
from .credentials import Credentials, read_credentials
from .redaction import Redactor, SecretsError, read_secrets
from .reload import ReloadError
from .reviewed_tools_file import ReviewedToolsError
from .service import Service
from .settings import Settings, parse


def main() -> None:
    """Run the bridge and exit with its status."""
    settings = parse(sys.argv[1:])
    try:
        secrets = read_secrets(settings.secrets_dir)
        credentials = read_credentials(settings)
    except (SecretsError, OSError) as error:
        sys.exit(f"mcp-bridge: {error}")
    redactor = Redactor([*secrets.values(), *credentials.values])
    logs.configure(settings.log_level, settings.name, redactor)
    try:
        with metrics_folder() as folder:
            status = uvloop.run(_run(settings, secrets, credentials, redactor, folder))
    except (ReloadError, ReviewedToolsError) as error:
        sys.exit(f"mcp-bridge: {error}")
    except OSError as error:
        sys.exit(f"mcp-bridge: can't listen on {settings.host}:{settings.port}: {error.strerror or error}")
    sys.exit(status)


async def _run(
    settings: Settings, secrets: dict[str, str], credentials: Credentials, redactor: Redactor, folder: Path | None
) -> int:
    return await Service(settings, secrets, credentials, redactor, folder).run()
