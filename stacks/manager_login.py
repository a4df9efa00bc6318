"""How the Docker provider logs in on a manager: it can be given files alone, and the stack's key is a secret."""

import os
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from components.providers.ssh_docker import known_host, ssh_flags

from . import manager_dial

HOST: Final = "managers"
"""What the provider calls the manager, whichever it is: another name would be another provider."""
FOLDER: Final = ".cache/mcp-fleet/ssh"
"""In the home of whoever runs Pulumi. The provider needs the files until the operation ends, after the program did; the
next one writes them anew."""
KEY: Final = "key"
KNOWN_HOST: Final = "known_host"
DIAL: Final = "dial.py"


def login_flags(stack: str) -> list[str]:
    """Return ssh's flags for the managers of `stack`, the same on every machine: they are in the state."""
    folder = f"${{HOME}}/{FOLDER}/{stack}"
    dial = f'ProxyCommand=python3 -I "{folder}/{DIAL}" %p'  # a shell runs it
    return [*ssh_flags(f"{folder}/{KEY}", f"{folder}/{KNOWN_HOST}"), "-o", dial, "-o", "ProxyUseFdpass=yes"]


def write_login(stack: str, private_key: str, host_keys: Sequence[str], addresses: Sequence[str]) -> None:
    """Write the files that the flags name, for their owner's eyes only.

    Arguments:
        private_key: in OpenSSH's format; lets in at every manager.
        host_keys: the managers' own, which were planted there.
        addresses: of the managers, in the order in which they are tried.
    """
    folder = Path.home() / FOLDER / stack
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    texts = {
        KEY: private_key,
        KNOWN_HOST: known_host("\n".join(dict.fromkeys(host_keys))),
        manager_dial.MANAGERS: "".join(f"{address}\n" for address in addresses),
        DIAL: Path(manager_dial.__file__).read_text(encoding="utf-8"),
    }
    for name, text in texts.items():
        # In one step, because another operation may be reading the last one's. mkstemp's mode is 0600.
        handle, path = tempfile.mkstemp(dir=folder)
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            file.write(text)
        Path(path).replace(folder / name)
