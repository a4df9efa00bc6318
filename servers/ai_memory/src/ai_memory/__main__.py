"""Serve the memories on stdin and stdout: `ai-memory`, or `python -m ai_memory`."""

from mcp_chassis import run

from ai_memory.server import VERSION, build
from ai_memory.settings import MemorySettings


def main() -> None:
    """Serve until stdin ends. Exits with a message where a setting is missing or wrong."""
    run("ai-memory", VERSION, MemorySettings, build)


if __name__ == "__main__":
    main()
