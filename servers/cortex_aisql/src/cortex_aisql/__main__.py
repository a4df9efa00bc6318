"""Serve on stdin and stdout: `cortex-aisql`, or `python -m cortex_aisql`."""

from mcp_chassis import run

from cortex_aisql.server import NAME, VERSION, build
from cortex_aisql.settings import CortexSettings


def main() -> None:
    """Serve until stdin ends. Exits with a message where the settings won't do."""
    run(NAME, VERSION, CortexSettings, build)


if __name__ == "__main__":
    main()
