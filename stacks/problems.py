"""What is wrong with a stack, said so that it can be mended: file, line, key, remedy."""

import difflib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

import pulumi
import yaml

from .config import PROJECT

LISTED_WORDS = 16
SECRET_DEPTH = 3
"""How deep a secret variable stands: `secrets`, its server, its name."""

KeyPath: TypeAlias = tuple[str, ...]
"""Keys below `mcp-fleet:`, outermost first: ("servers", "time", "replicas")."""


@dataclass(frozen=True, kw_only=True)
class Problem:
    """One thing to mend. `path` is empty where no key is to blame; `message` says what is wrong and what to do."""

    message: str
    path: KeyPath = ()


class BadStackError(pulumi.RunError):
    """The stack can't be deployed as it is configured. Pulumi prints the text without a traceback."""


class StackFile:
    """A Pulumi.<stack>.yaml as text: which line a key stands on, and what Pulumi's own reading hides."""

    def __init__(self, name: str, text: str) -> None:
        """Parse `text`. Raises BadStackError where it is no YAML."""
        self.name = name
        try:
            self._root = yaml.compose(text, Loader=yaml.SafeLoader)
        except yaml.YAMLError as error:
            raise BadStackError(f"{name} is no valid YAML: {error}") from error

    @classmethod
    def read(cls, path: Path) -> "StackFile":
        """Read the file at `path`; one that does not exist counts as empty."""
        return cls(path.name, path.read_text(encoding="utf-8") if path.exists() else "")

    def line(self, path: KeyPath) -> int | None:
        """Return the line of the deepest key of `path` that the file has, counted from 1."""
        found: int | None = None
        node = self._config_value()
        for depth in range(len(path)):
            entry = self._entry(node, f"{PROJECT}:{path[0]}" if depth == 0 else path[depth])
            if entry is None:
                break
            key, node = entry
            found = key.start_mark.line + 1
        return found

    def has(self, path: KeyPath) -> bool:
        """Whether the file has the whole of `path`."""
        node = self._config_value()
        for depth, key in enumerate(path):
            entry = self._entry(node, f"{PROJECT}:{key}" if depth == 0 else key)
            if entry is None:
                return False
            node = entry[1]
        return True

    def environments(self) -> tuple[str, ...]:
        """Return the environments of Pulumi ESC that Pulumi opens for the stack, as `environment:` lists them.

        Source: https://www.pulumi.com/docs/esc/guides/pulumi-iac
        """
        entry = self._entry(self._root, "environment")
        node = entry[1] if entry else None
        if (imports := self._entry(node, "imports")) is not None:
            node = imports[1]
        if not isinstance(node, yaml.SequenceNode):
            return ()
        # An entry may carry options: `- project/name: {merge: false}`.
        entries = [
            item.value[0][0] if isinstance(item, yaml.MappingNode) and item.value else item for item in node.value
        ]
        return tuple(item.value for item in entries if isinstance(item, yaml.ScalarNode))

    def duplicates(self) -> Iterator[Problem]:
        """Yield a problem for each key that stands twice in one mapping below `config:`."""
        yield from self._duplicates(self._config_value(), ())

    def plain_secrets(self) -> Iterator[Problem]:
        """Yield a problem for each value under `mcp-fleet:secrets` that is not encrypted."""
        entry = self._entry(self._config_value(), f"{PROJECT}:secrets")
        if entry is not None:
            yield from self._plain_secrets(entry[1], ("secrets",))

    def _plain_secrets(self, node: yaml.Node, path: KeyPath) -> Iterator[Problem]:
        encrypted = isinstance(node, yaml.MappingNode) and [key.value for key, _ in node.value] == ["secure"]
        if isinstance(node, yaml.MappingNode) and not encrypted and len(path) < SECRET_DEPTH:
            for key, value in node.value:
                yield from self._plain_secrets(value, (*path, key.value))
        elif not encrypted:
            # What stands below a variable is the value, keys included: the path must not repeat it.
            yield Problem(
                path=path, message=f"is stored in plain text; set it anew, encrypted: {set_secret(*path[1:])}"
            )

    def _duplicates(self, node: yaml.Node | None, path: KeyPath) -> Iterator[Problem]:
        if not isinstance(node, yaml.MappingNode):
            return
        lines: dict[str, int] = {}
        for key, value in node.value:
            line = key.start_mark.line + 1
            here = (*path, key.value.removeprefix(f"{PROJECT}:") if not path else key.value)
            if key.value in lines:
                what = "there are two servers of this name" if path == ("servers",) else "stands there twice"
                yield Problem(path=here, message=f"{what} (lines {lines[key.value]} and {line}); rename or remove one")
            lines[key.value] = line
            yield from self._duplicates(value, here)

    def _config_value(self) -> yaml.Node | None:
        entry = self._entry(self._root, "config")
        return entry[1] if entry else None

    @staticmethod
    def _entry(node: yaml.Node | None, name: str) -> tuple[yaml.Node, yaml.Node] | None:
        if not isinstance(node, yaml.MappingNode):
            return None
        return next((pair for pair in node.value if pair[0].value == name), None)


def set_secret(server: str = "SERVER", variable: str = "VARIABLE") -> str:
    """Return the command that sets a secret variable of a server."""
    return f"pulumi config set --secret --path '{PROJECT}:secrets.{server}.{variable}'"


def nearest(wrong: str, valid: Iterable[str]) -> str:
    """Return `; did you mean X?` for the valid word nearest to `wrong`, else the list of valid words."""
    words = sorted(valid)
    close = difflib.get_close_matches(wrong, words, n=1, cutoff=0.6)
    if close:
        return f"; did you mean {close[0]!r}?"
    if not words:
        return "; there is none"
    more = ", …" if len(words) > LISTED_WORDS else ""
    return f"; there is {', '.join(words[:LISTED_WORDS])}{more}"


def bad_stack(stack: str, file: StackFile, problems: Sequence[Problem]) -> BadStackError:
    """Return the exception that reports all `problems` of `stack`, each on a line with its place."""
    in_order = sorted(dict.fromkeys(problems), key=lambda problem: file.line(problem.path) or 0)
    lines = [_render(file, problem) for problem in in_order]
    reasons = "" if len(lines) == 1 else f", for {len(lines)} reasons"
    head = f"stack {stack} can't be deployed{reasons}:"
    return BadStackError("\n".join([head, *(f"  {line}" for line in lines)]))


def _render(file: StackFile, problem: Problem) -> str:
    if not problem.path:
        return problem.message
    line = file.line(problem.path)
    place = f"{file.name}:{line}" if line else file.name
    return f"{place}: {PROJECT}:{'.'.join(problem.path)}: {problem.message}"
