"""`python -m dev.mirror serve|stop|ensure|lock`: the image mirror by itself."""

import argparse
import sys

from dev.errors import EngineError
from dev.mirror import ensure, serve, stop
from dev.mirror.pins import resolve
from dev.progress import Steps


def main() -> int:
    """Run one command; what it finds goes to stdout, what it does to stderr."""
    parser = argparse.ArgumentParser(prog="python -m dev.mirror", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("serve", help="start the mirror's registry and print its address")
    commands.add_parser("stop", help="stop the mirror's registry")
    commands.add_parser("ensure", help="build what is missing and print the path of the lock")
    commands.add_parser("lock", help="re-resolve images.lock.json against the public registry (needs docker buildx)")
    try:
        with Steps() as steps:
            match parser.parse_args().command:
                case "serve":
                    print(serve())
                case "stop":
                    print("stopped" if stop() else "was not running")
                case "ensure":
                    with steps.step("image mirror") as step:
                        lock = ensure(step)
                    print(lock)
                case "lock":
                    with steps.step("images.lock.json") as step:
                        changed = resolve(step)
                    print("\n".join(changed) or "nothing changed")
    except EngineError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
