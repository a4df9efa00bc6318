"""Serve on stdin and stdout: `example-server`, or `python -m example_server`."""

from mcp_chassis import run

from example_server.server import NAME, VERSION, build
from example_server.settings import Settings


def main() -> None:
    """Serve until stdin ends. Exits with a message where the settings won't do."""
    run(NAME, VERSION, Settings, build)


if __name__ == "__main__":
    main()
