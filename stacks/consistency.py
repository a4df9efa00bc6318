"""Checks of a stack's configuration that look at more than one key. Pure: no file, no network, no Docker."""

import re
from collections.abc import Iterator, Sequence

from .catalog_variables import variable_problems, where_from
from .config import COMPONENT_NAMES, OPERATOR, ServerConfig, StackConfig
from .config_model import LABEL
from .problems import Problem, nearest, set_secret
from .remote_config import CREDENTIAL, OWN_HEADERS, REFERENCE
from .source import NpmSource, OciSource

DNS_LABEL_LIMIT = 63
"""RFC 1035; Docker puts a service's name into its DNS."""

BRIDGE_VARIABLES = "MCP_BRIDGE_"


def inconsistencies(stack: str, config: StackConfig) -> Iterator[Problem]:
    """Yield each contradiction within `config`, and with the name of the stack."""
    if not re.fullmatch(LABEL, stack):
        yield Problem(
            message=f"the stack's name {stack!r} can't begin the names of Docker services and images: "
            "use lower-case letters, digits and inner hyphens (pulumi stack rename)"
        )
    yield from _ports(config)
    yield from _hosts(stack, config)
    for name, server in config.servers.items():
        yield from _name(stack, name)
        yield from _server(name, server)
        yield from _reached(name, server)
        yield from _doubled_variables(name, server, config)
        yield from variable_problems(name, server, config.secrets.get(name, frozenset()))
    for name in config.secrets.keys() - config.servers.keys():
        remove = f"pulumi config rm --path 'mcp-fleet:secrets.{name}'"
        yield Problem(
            path=("secrets", name),
            message=f"no server has this name; remove it: {remove}{nearest(name, config.servers)}",
        )
    for name in config.clients:
        yield from _client(name, config)


def _hosts(stack: str, config: StackConfig) -> Iterator[Problem]:
    if config.hosts != "local":
        # Not at the top: it imports the SDK of AWS, which takes longer than all the rest.
        from .hosts_consistency import host_inconsistencies

        yield from host_inconsistencies(stack, config.hosts, config)
        return
    for name, server in config.servers.items():
        if server.place is not None:
            yield Problem(path=("servers", name, "place"), message="all of this stack runs on this machine; remove it")


def _ports(config: StackConfig) -> Iterator[Problem]:
    taken: dict[int, str] = {}
    for key, port in (
        ("port", config.port),
        ("registry-port", config.registry_port),
        ("grafana-port", config.grafana_port),
    ):
        if port is None:
            continue
        if port in taken:
            yield Problem(path=(key,), message=f"{port} is the {taken[port]} already; choose another one")
        taken.setdefault(port, key)


def _name(stack: str, name: str) -> Iterator[Problem]:
    limit = DNS_LABEL_LIMIT - len(stack) - 1
    if len(name) > limit:
        yield Problem(
            path=("servers", name),
            message=f"is too long: {len(name)} characters, {limit} fit beside the stack's name; shorten it",
        )
    if name in COMPONENT_NAMES:
        yield Problem(path=("servers", name), message="this name is a part of the fleet itself; choose another one")


def _server(name: str, server: ServerConfig) -> Iterator[Problem]:
    path = ("servers", name)
    if server.volume and server.replicas > 1:
        yield Problem(
            path=(*path, "replicas"),
            message="a server with a volume has one replica, else two of them write the same files; remove one key",
        )
    for key, several in (("mode", server.mode == "isolated"), ("workers", server.workers > 1)):
        if server.volume and several:
            yield Problem(
                path=(*path, key),
                message="a server with a volume has one process, else several write the same files; remove one key",
            )
    if isinstance(server.source, NpmSource) and server.constraints:
        yield Problem(path=(*path, "constraints"), message="constraints are for Python packages; remove them")
    if isinstance(server.source, OciSource):
        for key, given in (("constraints", server.constraints), ("packages", server.packages)):
            if given:
                yield Problem(path=(*path, key), message="a container image has what its maker put in; remove it")
    if server.install_scripts and not isinstance(server.source, NpmSource):
        yield Problem(path=(*path, "install-scripts"), message="only npm packages have install scripts; remove it")
    for variable in server.env:
        if variable.startswith(BRIDGE_VARIABLES):
            yield Problem(path=(*path, "env", variable), message="these variables are the bridge's own; rename it")


_OF_IMAGES = ("args", "packages", "constraints", "install_scripts", "volume", "database")


def _reached(name: str, server: ServerConfig) -> Iterator[Problem]:
    """Yield what is wrong with how a remote server is reached, or with keys that only such a server has."""
    path = ("servers", name)
    if not server.remote:
        for key, given in (("headers", server.headers), ("auth", server.auth)):
            if given:
                yield Problem(path=(*path, key), message="is for remote servers (https://HOST/PATH); remove it")
        return
    for key in _OF_IMAGES:
        if getattr(server, key):
            shown = key.replace("_", "-")
            yield Problem(path=(*path, shown), message="a remote server runs elsewhere; remove it")
    for header, value in server.headers.items():
        where = (*path, "headers", header)
        if header.lower() in OWN_HEADERS or header.lower().startswith("mcp-"):
            yield Problem(path=where, message="is a header that the protocol itself sets; remove it")
        elif CREDENTIAL.fullmatch(header) and not REFERENCE.search(value):
            scheme = "Bearer " if header.lower() == "authorization" else ""
            yield Problem(
                path=where,
                message="would stand in plain text, and is a secret by its name; make a new one, write "
                f'"{scheme}{{NAME}}" here, and set it: {set_secret(name, "NAME")}',
            )
        elif header.lower() == "authorization" and server.auth is not None:
            yield Problem(path=where, message="`auth` sets it; remove one of both")


def missing_secrets(config: StackConfig, environments: Sequence[str] = ()) -> Iterator[Problem]:
    """Yield each secret that a server needs and that is nowhere set.

    Arguments:
        environments: of ESC, which Pulumi has opened for the stack.
    """
    places = [config.esc.name] if config.esc else environments
    there = f"in ESC's environment {' or '.join(places)}, or here: " if places else ""
    for name, server in config.servers.items():
        given = config.secrets.get(name, frozenset())
        for variable in server.secrets:
            if variable not in given:
                yield Problem(
                    path=("servers", name, "secrets"),
                    message=f"the secret {variable} of server {name!r} is not set; set it{':' if not there else ''} "
                    f"{there}{set_secret(name, variable)}{where_from(server, variable)}",
                )


def _doubled_variables(name: str, server: ServerConfig, config: StackConfig) -> Iterator[Problem]:
    given = config.secrets.get(name, frozenset()).union(server.secrets)
    if server.database in given:
        message = f"{server.database} is also a secret of this server; remove one of both"
        yield Problem(path=("servers", name, "database"), message=message)
    for variable in server.env:
        if variable in given:
            yield Problem(path=("servers", name, "env", variable), message="is also a secret; remove one of both")
        elif variable == server.database:
            message = "is also the variable of its database; remove one of both"
            yield Problem(path=("servers", name, "env", variable), message=message)


def _client(name: str, config: StackConfig) -> Iterator[Problem]:
    client = config.clients[name]
    if name == OPERATOR:
        yield Problem(path=("clients", name), message=f"the client {OPERATOR!r} always exists; choose another name")
    if client.tier not in config.tiers:
        yield Problem(
            path=("clients", name, "tier"), message=f"no tier {client.tier!r}{nearest(client.tier, config.tiers)}"
        )
    for server in client.servers or {}:
        if server not in config.servers:
            yield Problem(
                path=("clients", name, "servers", server),
                message=f"no server {server!r}{nearest(server, config.servers)}",
            )
