"""What the environment of a pull request is: its name, its ports, its servers and its stack's file. Pure."""

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from dev.home import PROJECT
from fleet.stackfile import CONFIG, SERVERS, StackText
from stacks.config import ServerConfig, StackConfig
from stacks.source import PathSource

PORT_KEYS = ("port", "registry-port")
FIRST_PORT = 20_000
NUMBERS = 1_000
"""How many pull requests have ports of their own: the next one has those of the first again, and is refused while that
has them. The ports end below 32768, where those begin that Linux gives to outgoing connections."""
KEPT_KEYS = (f"{PROJECT}:signatures", f"{PROJECT}:require-signatures")
"""What holds in a pull request's stack because it holds in the one that it is like: who signs images."""
NOT_HERE = frozenset({"place", "replicas"})
"""What a server's line says of where, and how often, it runs elsewhere."""


def stack_name(number: int) -> str:
    """The stack of a pull request."""
    return f"pr-{number}"


def ports(number: int) -> Mapping[str, int]:
    """The ports of a pull request's stack, by their keys in its file."""
    first = FIRST_PORT + len(PORT_KEYS) * (number % NUMBERS)
    return {key: first + offset for offset, key in enumerate(PORT_KEYS)}


def changed_servers(before: StackConfig, after: StackConfig, changed: Callable[[str], bool]) -> tuple[str, ...]:
    """Return the servers that a pull request adds or changes.

    Args:
        changed: whether a file or folder of the project is another now.
    """
    return tuple(
        name
        for name, server in sorted(after.servers.items())
        if before.servers.get(name) != server or any(map(changed, _read_for(server)))
    )


def _read_for(server: ServerConfig) -> Iterator[str]:
    """What of the project decides what a server is, besides its line."""
    if isinstance(server.source, PathSource):
        yield server.source.path
    if server.entry is not None:
        yield f"catalog/{server.entry.label}.json"


def stack_document(
    number: int, template: StackText, like: StackText, servers: tuple[str, ...], present: StackText | None
) -> dict[str, Any]:
    """Return the document of a pull request's stack file.

    Args:
        template: what it is besides its servers and ports.
        like: the stack whose servers it has.
        servers: which of them.
        present: the file that is there already: how its secrets are encrypted is kept.
    """
    kept = {key: value for key, value in (present.document if present else {}).items() if key != CONFIG}
    held = like.document.get(CONFIG) or {}
    config = {
        **{key: held[key] for key in KEPT_KEYS if key in held},
        **(template.document.get(CONFIG) or {}),
        **{f"{PROJECT}:{key}": port for key, port in ports(number).items()},
        SERVERS: {name: _entry(like.servers[name]) for name in servers},
    }
    return {**kept, **template.document, CONFIG: config}


def _entry(entry: Any) -> Any:  # noqa: ANN401 - a server as it is written
    return {key: value for key, value in entry.items() if key not in NOT_HERE} if isinstance(entry, Mapping) else entry
