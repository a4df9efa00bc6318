"""Reads and edits the servers in a stack's Pulumi.<stack>.yaml: one line more or less, everything else as it was."""

import io
import json
import re
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ruamel.yaml import YAML
from ruamel.yaml.comments import CommentedMap
from ruamel.yaml.error import YAMLError
from ruamel.yaml.nodes import CollectionNode, MappingNode, Node, ScalarNode
from ruamel.yaml.scalarstring import DoubleQuotedScalarString

from dev.home import PROJECT
from fleet.errors import FleetError

if TYPE_CHECKING:
    from stacks.config import StackConfig

CONFIG = "config"
SERVERS = f"{PROJECT}:servers"
SECRETS = f"{PROJECT}:secrets"
INDENT = "  "
_PLAIN = re.compile(r"(--|/|\./)?[A-Za-z][A-Za-z0-9_./@:#=+-]*(?<!:)")
_NOT_A_TEXT = frozenset({"y", "n", "yes", "no", "on", "off", "true", "false", "null"})
"""What YAML 1.1 takes for something else than a text (https://yaml.org/type/bool.html)."""
Entry = str | Mapping[str, Any]
"""What stands behind a server's name: its source alone, or a mapping with it."""


class StackText:
    """The text of a stack's file, and where its servers stand."""

    def __init__(self, text: str, *, name: str) -> None:
        """`name` is the file's, for messages. Raises FleetError where the text is no YAML mapping."""
        self.text = text
        self.name = name
        try:
            self._root = YAML().compose(text)
            self.document: Mapping[str, Any] = YAML(typ="safe").load(text) or {}
        except YAMLError as error:
            raise FleetError(f"{name} is no valid YAML: {error}", hint="mend it by hand, then try again") from error
        if not isinstance(self.document, Mapping):
            raise FleetError(f"{name} is no YAML mapping", hint="begin it with `config:`")

    @property
    def servers(self) -> Mapping[str, Any]:
        """The servers as they are written."""
        return (self.document.get(CONFIG) or {}).get(SERVERS) or {}

    def line(self, server: str) -> int:
        """The line of a server, counted from 1."""
        return int(self._entries()[server][0].start_mark.line) + 1

    @property
    def environments(self) -> tuple[str, ...]:
        """The environments of Pulumi ESC that Pulumi opens for the stack."""
        from stacks.problems import StackFile

        return StackFile(self.name, self.text).environments()

    def secret_lines(self) -> dict[tuple[str, str], range]:
        """The lines, counted from 1, on which each secret's encrypted value stands, by server and variable."""
        config = _pairs(self._root).get(CONFIG)
        secrets = _pairs(config[1]).get(SECRETS) if config else None
        return {
            (server, variable): range(int(key.start_mark.line) + 1, _last_line(value) + 2)
            for server, (_, variables) in _pairs(secrets[1] if secrets else None).items()
            for variable, (key, value) in _pairs(variables).items()
        }

    def with_server(self, server: str, entry: Entry) -> str:
        """The text with one server more, as the last of them."""
        node = self._servers_node()
        if not isinstance(node, MappingNode) or node.flow_style or not node.value:
            return self._rewritten({**self.servers, server: entry})
        last_key, last_value = node.value[-1]
        line = " " * int(last_key.start_mark.column) + one_line(server, entry) + "\n"
        lines = self.text.splitlines(keepends=True)
        end = _last_line(last_value)
        if not lines[end].endswith("\n"):
            lines[end] += "\n"
        return "".join([*lines[: end + 1], line, *lines[end + 1 :]])

    def without_server(self, server: str) -> str:
        """The text with one server less. Comments stay: they may speak of what follows."""
        node = self._servers_node()
        rest = {name: entry for name, entry in self.servers.items() if name != server}
        if not rest or not isinstance(node, MappingNode) or node.flow_style:
            return self._rewritten(rest)
        key, value = self._entries()[server]
        lines = self.text.splitlines(keepends=True)
        return "".join([*lines[: key.start_mark.line], *lines[_last_line(value) + 1 :]])

    def with_version(self, server: str, before: str, after: str) -> str:
        """The text with another version of a server's package in its line, and nothing else changed."""
        value = self._entries()[server][1]
        node = _pairs(value)["source"][1] if isinstance(value, MappingNode) else value
        start, end = node.start_mark.index, node.end_mark.index
        name, at, rest = self.text[start:end].rpartition(f"@{before}")
        if not at:
            raise FleetError(
                f"{self.name}:{self.line(server)}: the line has no version {before}", hint="change it there by hand"
            )
        return self.text[:start] + f"{name}@{after}{rest}" + self.text[end:]

    def _servers_node(self) -> Node | None:
        config = _pairs(self._root).get(CONFIG)
        servers = _pairs(config[1]).get(SERVERS) if config else None
        return servers[1] if servers else None

    def _entries(self) -> dict[str, tuple[ScalarNode, Node]]:
        return _pairs(self._servers_node())

    def _rewritten(self, servers: Mapping[str, Entry]) -> str:
        """The text with other servers, where one line more or less won't do: the first, the last, an unusual form."""
        yaml = _round_trip()
        document = yaml.load(self.text) or CommentedMap()
        config = document.get(CONFIG)
        if config is None:
            config = document[CONFIG] = CommentedMap()
        config[SERVERS] = CommentedMap({_flow(name): _flow(entry) for name, entry in servers.items()})
        stream = io.StringIO()
        yaml.dump(document, stream)
        return stream.getvalue()


def read(file: Path) -> StackText:
    """Read a stack's file. Raises FleetError where it is no valid YAML."""
    return StackText(file.read_text(encoding="utf-8"), name=file.name)


def runs_elsewhere(file: Path) -> bool:
    """Whether a stack's machines are in a cloud, so that the Docker of this machine has nothing of it."""
    config = (read(file).document.get(CONFIG) or {}) if file.is_file() else {}
    return bool(config.get(f"{PROJECT}:hosts", "local") != "local")


def one_line(server: str, entry: Entry) -> str:
    """A server as one line of YAML, without indentation."""
    stream = io.StringIO()
    _round_trip().dump(CommentedMap({_flow(server): _flow(entry)}), stream)
    return stream.getvalue().rstrip("\n")


def checked(
    text: StackText, stack: str, project: Path, *, assume: Mapping[str, Sequence[str]] | None = None
) -> "StackConfig":
    """Return the configuration that the text holds.

    Args:
        assume: secret variables by server that count as set although they are not yet.

    Raises:
        FleetError: anything in it won't do, with all that is wrong.
    """
    from stacks.load import parse
    from stacks.problems import BadStackError, StackFile

    raw = _raw(text)
    for server, variables in (assume or {}).items():
        secrets = raw.setdefault("secrets", {})
        secrets[server] = [*secrets.get(server, ()), *variables]
    try:
        return parse(stack, StackFile(text.name, text.text), raw, project)
    except BadStackError as error:
        raise FleetError(str(error)) from error


def require_servers(config: "StackConfig", stack: str, servers: Iterable[str]) -> None:
    """Raise FleetError that names the servers there are, where a stack does not have one of `servers`."""
    if missing := [name for name in servers if name not in config.servers]:
        known = ", ".join(sorted(config.servers)) or "none"
        raise FleetError(f"stack {stack!r} has no server {missing[0]!r}", hint=f"servers: {known}")


def read_config(text: StackText, stack: str) -> "StackConfig":
    """Return the configuration that the text holds, key by key: contradictions between keys are let pass.

    Raises:
        FleetError: a key is unknown, a value won't do, or a secret is in plain text.
    """
    from stacks.load import parse_keys
    from stacks.problems import BadStackError, StackFile

    try:
        return parse_keys(stack, StackFile(text.name, text.text), _raw(text))
    except BadStackError as error:
        raise FleetError(str(error)) from error


def _raw(text: StackText) -> dict[str, Any]:
    from stacks.load import plain_config

    # Pulumi hands the program texts as they are and everything else as JSON.
    values = (text.document.get(CONFIG) or {}).items()
    return plain_config({key: value if isinstance(value, str) else json.dumps(value) for key, value in values})


def _round_trip() -> YAML:
    yaml = YAML()
    yaml.width = 1_000_000
    yaml.preserve_quotes = True
    return yaml


def _flow(value: object) -> object:
    """A value as ruamel's nodes, all on one line, that YAML 1.1 and 1.2 read alike."""
    if isinstance(value, Mapping):
        mapping = CommentedMap({_flow(key): _flow(item) for key, item in value.items()})
        mapping.fa.set_flow_style()
        return mapping
    if isinstance(value, list):
        return [_flow(item) for item in value]
    if isinstance(value, str) and (not _PLAIN.fullmatch(value) or value.lower() in _NOT_A_TEXT):
        return DoubleQuotedScalarString(value)
    return value


def _pairs(node: Node | None) -> dict[str, tuple[ScalarNode, Node]]:
    return {key.value: (key, value) for key, value in node.value} if isinstance(node, MappingNode) else {}


def _last_line(node: Node) -> int:
    """The number of the last line of a value, counted from 0, without the comments and blank lines after it."""
    while isinstance(node, CollectionNode) and not node.flow_style and node.value:
        last = node.value[-1]
        node = last[1] if isinstance(last, tuple) else last
    # A block scalar (`|`) ends where the next line begins.
    mark = node.end_mark
    return int(mark.line) - (1 if mark.column == 0 and mark.line > node.start_mark.line else 0)
