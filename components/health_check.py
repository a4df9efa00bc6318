"""How Docker finds out that a container serves: often while it starts, rarely and cheaply from then on.

Docker runs a check anew for every look, and one such process start costs more than a server at rest. It knows one
interval only (https://docs.docker.com/reference/dockerfile/#healthcheck), and the provider can't set a shorter one for
the start. So the checks rest by themselves while all is well.
"""

from collections.abc import Sequence
from dataclasses import dataclass

INTERVAL_SECONDS = 1
"""Pause between two checks, as long as the container is not healthy."""

REST_SECONDS = 10
"""How long a check waits before it looks, when the one before found the container healthy."""

ANSWER_SECONDS = 5
TIMEOUT_SECONDS = REST_SECONDS + 2 * ANSWER_SECONDS
RETRIES = 10
"""How many checks in a row must fail: the bridge needs some seconds to restart its server."""

_WELL = "/tmp/.mcp-fleet-well"  # noqa: S108 - in the container's own tmpfs


@dataclass(frozen=True, kw_only=True)
class HealthCheck:
    """A shell command that succeeds where the container may get traffic, and the interpreter that runs it."""

    probe: str
    interpreter: str = "/bin/sh"

    @property
    def command(self) -> Sequence[str]:
        """The command for Docker: rest if all was well, look, and note it if all is well."""
        return (
            self.interpreter,
            "-c",
            f"[ ! -e {_WELL} ] || sleep {REST_SECONDS}; rm -f {_WELL}; {self.probe} && : >{_WELL}",
        )


@dataclass(frozen=True, kw_only=True)
class BareHealthCheck:
    """The same for an image that may have no program at all: by what is built into a bash that is brought along.

    Arguments:
        probe: in words of bash.
        bash: how it is started.
    """

    probe: str
    bash: Sequence[str]

    @property
    def command(self) -> Sequence[str]:
        """The command for Docker: rest if all was well, by reading from where nobody writes; look, and note it."""
        rest = f"read -t {REST_SECONDS} <> <(:)"
        return (*self.bash, "-c", f"[ ! -s {_WELL} ] || {rest}; : >{_WELL}; {self.probe} && echo >{_WELL}")


def bare_get(port: int, path: str, bash: Sequence[str]) -> BareHealthCheck:
    """Return a check that GET `path` answers 200, for images that may have no program."""
    return BareHealthCheck(probe=_get(port, path), bash=bash)


def bash_get(port: int, path: str) -> HealthCheck:
    """Return a check, in plain bash, that GET `path` answers 200; for images without an HTTP client."""
    return HealthCheck(probe=_get(port, path), interpreter="bash")


def _get(port: int, path: str) -> str:
    head = f"GET {path} HTTP/1.1\\r\\nHost: localhost\\r\\nConnection: close\\r\\n\\r\\n"
    request = f"exec 3<>/dev/tcp/127.0.0.1/{port} && printf '{head}' >&3"
    answer = f'read -t {ANSWER_SECONDS} -r _ code _ <&3 && [ "$code" = 200 ]'
    return f"{request} && {answer}"


def wget_get(port: int, path: str) -> HealthCheck:
    """Return the same check for images that have wget, and perhaps no bash."""
    return HealthCheck(probe=f"wget -q -T {ANSWER_SECONDS} -O /dev/null http://127.0.0.1:{port}{path}")
