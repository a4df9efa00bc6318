"""Serve on stdin and stdout: `mem0-openmemory`, or `python -m mem0_openmemory`."""

from mcp_chassis import run

from mem0_openmemory.server import NAME, VERSION, build
from mem0_openmemory.settings import OpenMemorySettings


def main() -> None:
    """Serve until stdin ends. Exits with a message where the settings won't do."""
    run(NAME, VERSION, OpenMemorySettings, build)


if __name__ == "__main__":
    main()
