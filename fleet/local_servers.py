"""How a server of a stack is run by a client itself, over stdio and without the fleet: for local development."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from fleet.client_formats import Connection, Http, Stdio
from stacks.own_code import read_own_code
from stacks.source import NpmSource, OciSource, PypiSource, RemoteSource

if TYPE_CHECKING:
    from stacks.config import ServerConfig


@dataclass(frozen=True, kw_only=True)
class LocalServers:
    """What a client can run by itself, and why it can't run the rest, each by the server's name."""

    servers: Mapping[str, Connection]
    left_out: Mapping[str, str]


def local_servers(servers: Mapping[str, "ServerConfig"], project: Path) -> LocalServers:
    """Return how to run servers of a stack on this machine. Raises OwnCodeError for a folder that is no server."""
    reasons = {name: _in_its_container(server) for name, server in servers.items()}
    return LocalServers(
        servers={name: connection(server, project) for name, server in servers.items() if not reasons[name]},
        left_out={name: reason for name, reason in reasons.items() if reason},
    )


def connection(server: "ServerConfig", project: Path) -> Connection:
    """Return how one server is run: packages by `uvx` or `npx`, own code by `uv run`, images by `docker run`, a remote
    one by its URL.
    """
    source = server.source
    if isinstance(source, RemoteSource):
        return Http(url=source.url, headers=server.headers)
    if isinstance(source, PypiSource):
        constraints = [word for constraint in server.constraints for word in ("--with", constraint)]
        command, args = "uvx", ["--from", f"{source.package}=={source.version}", *constraints, source.command]
    elif isinstance(source, NpmSource):
        command, args = "npx", ["--yes", f"--package={source.package}@{source.version}", source.command]
    elif isinstance(source, OciSource):
        variables = [word for name in sorted({*server.env, *server.secrets}) for word in ("--env", name)]
        program = ["--entrypoint", source.command, str(source.image)]
        command, args = "docker", ["run", "--rm", "--interactive", *variables, *program]
    else:
        folder = project / source.path
        command, args = "uv", ["run", "--project", str(folder), read_own_code(folder).command]
    return Stdio(command=command, args=(*args, *server.args), env=server.env, variables=server.secrets)


def _in_its_container(server: "ServerConfig") -> str:
    """Return why a server needs its container; nothing where it doesn't."""
    if server.files:
        return f"it reads {', '.join(server.files)}, which are in its container"
    if server.auth is not None:
        return "its access tokens are taken by the fleet"
    if server.volume and any("/data" in text for text in (*server.env.values(), *server.args)):
        return "it keeps its files at /data, in its container"
    return ""
