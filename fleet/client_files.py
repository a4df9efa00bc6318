"""What `fleet clients` prints or writes for one client program."""

import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from fleet import clients
from fleet.client_formats import Connection, Program, render, variables
from fleet.console import say
from fleet.errors import FleetError

if TYPE_CHECKING:
    from stacks.config import StackConfig

DOTENV = ".env"


@dataclass(frozen=True, kw_only=True)
class Wanted:
    """The servers to write down, and why others are not among them, each by name."""

    servers: Mapping[str, Connection]
    left_out: Mapping[str, str] = field(default_factory=dict)
    started_by_client: bool = False

    @classmethod
    def by_url(cls, config: "StackConfig", client: str, urls: Mapping[str, str]) -> "Wanted":
        """What a client may use of a fleet that runs. Raises FleetError where there is no such client."""
        return cls(servers=clients.by_url(config, client, urls))

    @classmethod
    def local(cls, config: "StackConfig", client: str, project: Path) -> "Wanted":
        """What a client may use, to be started by itself. Raises FleetError where there is no such client."""
        from fleet.local_servers import local_servers

        allowed = clients.servers_of(config, client)
        found = local_servers({name: config.servers[name] for name in allowed}, project)
        return cls(servers=found.servers, left_out=found.left_out, started_by_client=True)


def program_named(name: str) -> Program:
    """Return the program of this name. Raises FleetError that names those there are."""
    try:
        return Program(name)
    except ValueError:
        raise FleetError(f"there is no program {name!r}", hint=f"--for takes {', '.join(Program)}") from None


def show(program: Program, wanted: Wanted) -> None:
    """Print the file, and to stderr what to know about it."""
    sys.stdout.write(render(program, wanted.servers))
    _tell(wanted)


def write_files(program: Program, wanted: Wanted) -> None:
    """Write the file into this folder, or into the home where the program has it there; never over another.

    For servers that the program starts, write `.env` with the names of their secrets, too.
    """
    file = Path(program.file).expanduser()
    if file.exists():
        raise FleetError(f"{program.file} is there already", hint="without --write it is printed, to be merged")
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(render(program, wanted.servers), encoding="utf-8")
    say(f"written: {program.file}")
    names = variables(wanted.servers)
    dotenv = Path(DOTENV)
    if wanted.started_by_client and names and not dotenv.exists():
        dotenv.touch(mode=0o600)
        dotenv.write_text("".join(f"{name}=\n" for name in names), encoding="utf-8")
        say(f"written: {DOTENV}; fill it in, keep it out of git, and load it: set -a; . ./{DOTENV}; set +a")
    _tell(wanted)


def _tell(wanted: Wanted) -> None:
    for name, reason in wanted.left_out.items():
        say(f"left out: {name}: {reason}")
    if names := variables(wanted.servers):
        say(f"set before the program starts: {', '.join(names)}")
