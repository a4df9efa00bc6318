"""Commands that set a machine's network and namespaces up."""

import subprocess

from dev.errors import EngineError


def run(*arguments: str) -> str:
    """Run a command that must succeed, and return what it says.

    Raises:
        EngineError: It failed; with what it said.
    """
    done = subprocess.run(arguments, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise EngineError(f"{' '.join(arguments)}: {done.stderr.strip()}")
    return done.stdout
