"""Which secrets the servers of a stack need, which are set, where and since when: names and dates, never values."""

import subprocess
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path
from typing import Any

from dev.home import PROJECT
from fleet import esc_secrets, stackfile
from fleet.esc_secrets import Held
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
        changed: when its value was last written, as far as git or ESC tells; None where that is not known.
        advice: what to do about it; nothing where it is present.
        kept: where it is set, the stack's file or an environment of ESC; nothing where it is missing.
    """

    server: str
    variable: str
    state: State
    changed: datetime | None
    advice: str
    kept: str = ""

    def to_json(self) -> dict[str, Any]:
        """As `fleet secrets check --json` prints it."""
        changed = self.changed.isoformat() if self.changed else None
        return {
            "server": self.server,
            "variable": self.variable,
            "state": self.state,
            "kept": self.kept or None,
            "changed": changed,
            "advice": self.advice or None,
        }


def read(
    stack: str, file: Path, *, oldest: datetime | None = None, environment: Mapping[str, str] | None = None
) -> tuple[Secret, ...]:
    """The secrets of a stack, by server and variable.

    Args:
        file: the stack's file.
        oldest: when a value must have been written at the earliest, else it is stale. One whose age is not known is
            not stale; None asks for no ages.
        environment: the variables of this process, with the token for ESC. Without them ESC is not asked, and what it
            may hold does not count as missing.

    Raises:
        FleetError: the file is no valid configuration, or has a secret in plain text; ESC can't be asked.
    """
    text = stackfile.read(file)
    config = stackfile.read_config(text, stack)
    needed = {(server, variable) for server, entry in config.servers.items() for variable in entry.secrets}
    changes = written(file, text) if oldest is not None else {}
    places = esc_secrets.places(text, config, environment) if environment is not None else ()
    held = {
        (server, variable): Held(place=file.name, changed=changes.get((server, variable)))
        for server, variables in config.secrets.items()
        for variable in variables
    }
    for place in places:
        # What stands in the stack's file counts first, then the last of the environments.
        held = esc_secrets.read(place, environment or {}, ages=oldest is not None) | held
    if environment is None and (config.esc or text.environments):
        needed &= held.keys()
    return tuple(
        _secret(
            stack,
            secret,
            needed=secret in needed,
            held=held.get(secret),
            server_exists=secret[0] in config.servers,
            places=[place.name for place in places],
            oldest=oldest,
        )
        for secret in sorted(needed | held.keys())
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
    held: Held | None,
    server_exists: bool,
    places: Sequence[str],
    oldest: datetime | None,
) -> Secret:
    server, variable = secret
    state, advice = State.PRESENT, ""
    set_anew = set_secret(server, variable, stack)
    if held is None:
        state = State.MISSING
        advice = f"set it in {' or '.join(places)}, or {set_anew}" if places else set_anew
    elif not needed:
        in_esc = held.place in places
        remove = f"remove it from {held.place}" if in_esc else remove_secret(server, variable, stack)
        state = State.UNUSED
        advice = f"add it to `secrets` of {PROJECT}:servers.{server}, or {remove}" if server_exists else remove
    elif held.changed is not None and oldest is not None and held.changed < oldest:
        renew = f"set it in {held.place}" if held.place in places else set_anew
        state, advice = State.STALE, f"make a new one where it comes from, then {renew}"
    return Secret(
        server=server,
        variable=variable,
        state=state,
        kept=held.place if held else "",
        changed=held.changed if held else None,
        advice=advice,
    )
