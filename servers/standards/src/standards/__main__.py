"""Serve on stdin and stdout: `standards`, or `python -m standards`."""

from mcp_chassis import run

from standards.server import NAME, VERSION, build
from standards.settings import Settings


def main() -> None:
    """Serve until stdin ends. Exits with a message where the settings won't do."""
    run(NAME, VERSION, Settings, build)


if __name__ == "__main__":
    main()
