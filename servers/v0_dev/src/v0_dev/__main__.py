"""Serve on stdin and stdout: `v0-dev`, or `python -m v0_dev`."""

from mcp_chassis import run

from v0_dev.server import NAME, VERSION, build
from v0_dev.settings import V0Settings


def main() -> None:
    """Serve until stdin ends. Exits with a message where the settings won't do."""
    run(NAME, VERSION, V0Settings, build)


if __name__ == "__main__":
    main()
