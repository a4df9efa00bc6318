"""Serve on stdin and stdout: `costar`, or `python -m costar`."""

from mcp_chassis import ChassisSettings, run

from costar.server import NAME, VERSION, build


def main() -> None:
    """Serve until stdin ends. Exits with a message where the settings won't do."""
    run(NAME, VERSION, ChassisSettings, build)


if __name__ == "__main__":
    main()
