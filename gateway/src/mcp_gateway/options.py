"""Command-line options that can also be given as environment variables, the way a service sets them."""

import argparse
import os
from collections.abc import Callable
from pathlib import Path


class Options:
    """Builds an argument parser in which `--some-option` falls back to `<PREFIX>_SOME_OPTION`."""

    def __init__(self, program: str, description: str) -> None:
        """`program` is the command's name; the variables' prefix is that name in capitals."""
        self._prefix = program.upper().replace("-", "_")
        self.parser = argparse.ArgumentParser(prog=program, description=description)

    def add(
        self,
        name: str,
        help_text: str,
        *,
        kind: Callable[[str], object] = str,
        default: object = None,
        required: bool = False,
    ) -> None:
        """Add `--name`; one that is required may come from either place."""
        variable = f"{self._prefix}_{name.upper().replace('-', '_')}"
        given = os.environ.get(variable)
        default_text = "" if default is None else f"; {default} by default"
        self.parser.add_argument(
            f"--{name}",
            type=kind,
            # argparse converts a default that is text, and reports a bad one like a bad argument.
            default=default if given is None else given,
            required=required and given is None,
            help=f"{help_text} [{variable}{default_text}]".replace("%", "%%"),
        )


def read_secret(file: Path) -> str:
    """Return the text of a secret's file without the newline at its end. Exits naming the file where it can't."""
    try:
        secret = file.read_text().strip()
    except OSError as error:
        raise SystemExit(f"{file}: {error.strerror}: mount the secret there, or name another file") from error
    if not secret:
        raise SystemExit(f"{file}: is empty: it must hold the secret")
    return secret
