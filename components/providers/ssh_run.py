"""A command on a host, by SSH, with what it is given on its standard input: nothing secret is an argument."""

import os
import subprocess
from dataclasses import dataclass, field
from typing import Final

from .ssh_docker import SshHost, UnreachableError, explained, ssh_command, ssh_login

SSH_FAILED: Final = 255
"""Exit code of ssh itself. Source: https://man.openbsd.org/ssh#EXIT_STATUS"""


@dataclass(frozen=True, kw_only=True)
class Ran:
    """How a command ended: its exit code, what it printed, and what it said on standard error."""

    code: int
    printed: str = field(repr=False)
    said: str


def run_over_ssh(host: SshHost, private_key: str, command: str, *, given: str = "", seconds: float = 60) -> Ran:
    """Run `command` on a host.

    Arguments:
        private_key: OpenSSH's or PEM text; lets in at the host.
        command: for the shell of the host's user.
        given: its standard input.
        seconds: how long it may take.

    Raises:
        HostKeyRefusedError: another host key answered.
        UnreachableError: nothing answered, or not in time.
        HostError: the login key is refused there, or there is no ssh here.
    """
    environment = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
    with ssh_login(host, private_key) as login:
        try:
            done = subprocess.run(
                ssh_command(host, login, command),
                input=given,
                env=environment,
                capture_output=True,
                text=True,
                errors="replace",
                timeout=seconds,
                check=False,
            )
        except subprocess.TimeoutExpired:
            raise UnreachableError(
                f"{host}: `{command}` did not end within {seconds:.0f} s; log in there, and see what it waits for"
            ) from None
    if done.returncode == SSH_FAILED:
        raise explained(host, done.stderr.strip())
    return Ran(code=done.returncode, printed=done.stdout, said=done.stderr.strip())
