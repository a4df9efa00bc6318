"""`python -m dev engine|clean|env`: the engine without the fleet's command line, for make and for scripts."""

import argparse
import sys

from rich.console import Console

from dev import lifecycle
from dev.environment import environment, shell_exports
from dev.errors import EngineError


def main() -> int:
    """Run one command; 1 if it can't be done, 130 if it was interrupted."""
    parser = argparse.ArgumentParser(prog="python -m dev", description=__doc__)
    parser.add_argument("command", choices=["engine", "clean", "env"])
    command = parser.parse_args().command
    try:
        if command == "engine":
            lifecycle.engine_up()
        elif command == "env":
            sys.stdout.write(shell_exports(environment()))
        else:
            lifecycle.clean()
    except EngineError as error:
        Console(stderr=True, highlight=False).print(f"error: {error}", markup=False)
        return 1
    except KeyboardInterrupt:
        return 130
    return 0


if __name__ == "__main__":
    sys.exit(main())
