"""Fails the build of a package that has no such command, and says which commands it has."""

import sys
from importlib.metadata import distributions
from pathlib import Path

SITE_PACKAGES = [str(path) for path in Path("/opt/server/lib").glob("python3.*/site-packages")]
COMMANDS = Path("/opt/server/bin")


def main(package: str, command: str) -> None:
    """Exit with the list of commands where `command` is none of them."""
    if (COMMANDS / command).exists():
        return
    entry_points = (
        entry_point
        for found in distributions(name=package, path=SITE_PACKAGES)
        for entry_point in found.entry_points
        if entry_point.group == "console_scripts"
    )
    commands = sorted({entry_point.name for entry_point in entry_points})
    there_is = f"it has {', '.join(commands)}" if commands else "it has none"
    print(f"{package} has no command {command!r}; {there_is}.", file=sys.stderr)
    sys.exit(f"Name one in the source: pypi:{package}@VERSION#COMMAND")


main(*sys.argv[1:])
