"""Serve on stdin and stdout: `gong`, or `python -m gong`."""

from mcp_chassis import run

from gong.server import NAME, VERSION, build
from gong.settings import GongSettings


def main() -> None:
    """Serve until stdin ends. Exits with a message where the settings won't do."""
    run(NAME, VERSION, GongSettings, build)


if __name__ == "__main__":
    main()
