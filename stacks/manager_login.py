"""How the Docker provider logs in on a manager: it can be given files alone, and the stack's key is a secret."""

import os
import tempfile
from pathlib import Path
from typing import Final

from components.providers.ssh_docker import known_host, ssh_flags

FOLDER: Final = ".cache/mcp-fleet/ssh"
"""In the home of whoever runs Pulumi. The provider needs the files until the operation ends, after the program did; the
next one writes them anew."""
KEY: Final = "key"
KNOWN_HOST: Final = "known_host"


def login_flags(stack: str) -> list[str]:
    """Return ssh's flags for the manager of `stack`, the same on every machine: they are in the state."""
    folder = f"${{HOME}}/{FOLDER}/{stack}"
    return ssh_flags(f"{folder}/{KEY}", f"{folder}/{KNOWN_HOST}")


def write_login(stack: str, private_key: str, host_key: str) -> None:
    """Write the files that the flags name, for their owner's eyes only.

    Arguments:
        private_key: in OpenSSH's format; lets in at the manager.
        host_key: the manager's own, which was planted there.
    """
    folder = Path.home() / FOLDER / stack
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    for name, text in ((KEY, private_key), (KNOWN_HOST, known_host(host_key))):
        # In one step, because another operation may be reading the last one's. mkstemp's mode is 0600.
        handle, path = tempfile.mkstemp(dir=folder)
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            file.write(text)
        Path(path).replace(folder / name)
