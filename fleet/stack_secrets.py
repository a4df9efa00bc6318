"""Which secrets the servers of a stack need, which are set and since when: names and dates, never values."""

import subprocess
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path
from typing import Any

from dev.home import PROJECT
from fleet import stackfile
from fleet.stackfile import StackText

GIT_SECONDS = 30
"""How long git may take to say who wrote which line."""
UNCOMMITTED = "0" * 40
"""The commit that git names for a line that is not committed yet."""


class State(StrEnum):
    """What is the matter with a secret."""

    PRESENT = "present"
    MISSING = "missing"
    UNUSED = "unused"
    STALE = "stale"


@dataclass(frozen=True, kw_only=True)
class Secret:
    """A secret variable that a server of the stack names, or that is set for one.

    Attributes:
        changed: when its encrypted value was last written, as far as git tells; None where that is not known.
        advice: what to do about it; nothing where it is present.
    """

    server: str
    variable: str
    state: State
    changed: datetime | None
    advice: str

    def to_json(self) -> dict[str, Any]:
        """As `fleet secrets check --json` prints it."""
        changed = self.changed.isoformat() if self.changed else None
        return {
            "server": self.server,
            "variable": self.variable,
            "state": self.state,
            "changed": changed,
            "advice": self.advice or None,
        }


def read(stack: str, file: Path, *, oldest: datetime | None = None) -> tuple[Secret, ...]:
    """The secrets of a stack, by server and variable.

    Args:
        file: the stack's file; the only thing that is read, besides git's history of it.
        oldest: when an encrypted value must have been written at the earliest, else it is stale. One whose age is not
            known is not stale; None asks for no ages.

    Raises:
        FleetError: the file is no valid configuration, or has a secret in plain text.
    """
    text = stackfile.read(file)
    config = stackfile.read_config(text, stack)
    needed = {(server, variable) for server, entry in config.servers.items() for variable in entry.secrets}
    given = {(server, variable) for server, variables in config.secrets.items() for variable in variables}
    changes = written(file, text) if oldest is not None else {}
    return tuple(
        _secret(
            stack,
            secret,
            needed=secret in needed,
            given=secret in given,
            server_exists=secret[0] in config.servers,
            changed=changes.get(secret),
            oldest=oldest,
        )
        for secret in sorted(needed | given)
    )


def set_secret(server: str, variable: str, stack: str) -> str:
    """The command that sets a secret variable of a server."""
    return f"pulumi config set --secret --path '{PROJECT}:secrets.{server}.{variable}' -s {stack}"


def remove_secret(server: str, variable: str, stack: str) -> str:
    """The command that removes a secret variable of a server."""
    return f"pulumi config rm --path '{PROJECT}:secrets.{server}.{variable}' -s {stack}"


def written(file: Path, text: StackText) -> Mapping[tuple[str, str], datetime]:
    """When the line of each encrypted value was last written, from the commits of the file.

    Empty where git can't tell: no repository, no git, a file that is not committed. A value whose history is cut off by
    a shallow clone is left out. A stack that was encrypted anew, for another passphrase, has new lines.
    """
    try:
        blamed = _git(file.parent, "blame", "--porcelain", "--", file.name)
        shallow = _git(file.parent, "rev-parse", "--is-shallow-repository").strip() == "true"
    except (OSError, subprocess.SubprocessError):
        return {}
    times = dict(_times(blamed, shallow=shallow))
    return {
        secret: max(times[line] for line in lines)
        for secret, lines in text.secret_lines().items()
        if all(line in times for line in lines)
    }


def _times(blamed: str, *, shallow: bool) -> Iterator[tuple[int, datetime]]:
    """The time of each line, counted from 1, out of what `git blame --porcelain` prints."""
    times: dict[str, datetime] = {}
    cut_off: set[str] = set()
    commit, line = "", 0
    for row in blamed.splitlines():
        match row.split(" "):
            case ["committer-time", seconds]:
                times[commit] = datetime.fromtimestamp(int(seconds), UTC)
            case ["boundary"] if shallow:
                cut_off.add(commit)
            case [identity, _, number, *_] if len(identity) == len(UNCOMMITTED) and number.isdigit():
                commit, line = identity, int(number)
        if row.startswith("\t") and commit not in cut_off:
            yield line, times[commit]


def _git(folder: Path, *arguments: str) -> str:
    command = ["git", "-C", str(folder), *arguments]
    return subprocess.run(command, capture_output=True, text=True, timeout=GIT_SECONDS, check=True).stdout


def _secret(
    stack: str,
    secret: tuple[str, str],
    *,
    needed: bool,
    given: bool,
    server_exists: bool,
    changed: datetime | None,
    oldest: datetime | None,
) -> Secret:
    server, variable = secret
    state, advice = State.PRESENT, ""
    if not given:
        state, advice = State.MISSING, set_secret(server, variable, stack)
    elif not needed:
        remove = remove_secret(server, variable, stack)
        state = State.UNUSED
        advice = f"add it to `secrets` of {PROJECT}:servers.{server}, or {remove}" if server_exists else remove
    elif changed is not None and oldest is not None and changed < oldest:
        state, advice = State.STALE, f"make a new one where it comes from, then {set_secret(server, variable, stack)}"
    return Secret(server=server, variable=variable, state=state, changed=changed, advice=advice)
