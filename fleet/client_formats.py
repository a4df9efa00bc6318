"""How each client program wants MCP servers to be written down: its file, its keys, its way to refer to a variable.

Sources, each read in November 2026:
    Claude Code: https://code.claude.com/docs/en/mcp ("Environment variable expansion in .mcp.json")
    Codex: https://developers.openai.com/codex/mcp and codex-rs/core/config.schema.json of github.com/openai/codex
    Cursor: https://cursor.com/docs/mcp ("Config interpolation", "STDIO server configuration")
    VS Code: https://code.visualstudio.com/docs/agents/reference/mcp-configuration
    Windsurf: https://docs.windsurf.com/windsurf/cascade/mcp
"""

import json
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from stacks.remote_config import REFERENCE

Json = dict[str, Any]
_BEARER = re.compile(rf"Bearer {REFERENCE.pattern}")


class Program(StrEnum):
    """A client program."""

    CLAUDE_CODE = "claude-code"
    CODEX = "codex"
    CURSOR = "cursor"
    VSCODE = "vscode"
    WINDSURF = "windsurf"

    @property
    def file(self) -> str:
        """Where it looks for servers: in the project's folder, or in the user's home."""
        return {
            Program.CLAUDE_CODE: ".mcp.json",
            Program.CODEX: ".codex/config.toml",
            Program.CURSOR: ".cursor/mcp.json",
            Program.VSCODE: ".vscode/mcp.json",
            Program.WINDSURF: "~/.codeium/windsurf/mcp_config.json",
        }[self]


@dataclass(frozen=True, kw_only=True)
class Http:
    """A server by URL. `{NAME}` in a header stands for the client's variable NAME."""

    url: str
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Stdio:
    """A server that the client starts. `variables` are the secret ones: names of the client's own variables."""

    command: str
    args: tuple[str, ...] = ()
    env: Mapping[str, str] = field(default_factory=dict)
    variables: tuple[str, ...] = ()


Connection = Http | Stdio


def render(program: Program, servers: Mapping[str, Connection]) -> str:
    """Return the text of a program's file."""
    if program is Program.CODEX:
        return "\n".join(_toml_table(("mcp_servers", name), _codex(server)) for name, server in servers.items())
    write = _WRITERS[program]
    entries = {name: write(server) for name, server in servers.items()}
    if program is Program.VSCODE:
        return _json({"inputs": list(_inputs(servers)), "servers": entries})
    return _json({"mcpServers": entries})


def variables(servers: Mapping[str, Connection]) -> list[str]:
    """Return the names of all variables that are referred to, sorted."""
    return sorted({name for server in servers.values() for name in _variables(server)})


def _variables(server: Connection) -> Iterator[str]:
    if isinstance(server, Stdio):
        yield from server.variables
    else:
        for value in server.headers.values():
            yield from REFERENCE.findall(value)


def _claude_code(server: Connection) -> Json:
    kind = {"type": "http"} if isinstance(server, Http) else {"type": "stdio"}
    return {**kind, **_usual(server, "url", "${{{}}}")}


def _cursor(server: Connection) -> Json:
    return _usual(server, "url", "${{env:{}}}")


def _windsurf(server: Connection) -> Json:
    return _usual(server, "serverUrl", "${{env:{}}}")


def _vscode(server: Connection) -> Json:
    kind = {"type": "http"} if isinstance(server, Http) else {"type": "stdio"}
    return {**kind, **_usual(server, "url", "${{input:{}}}")}


def _inputs(servers: Mapping[str, Connection]) -> Iterator[Json]:
    """VS Code asks for a secret once, and keeps it."""
    for name in variables(servers):
        yield {"type": "promptString", "id": name, "description": name, "password": True}


def _usual(server: Connection, url: str, reference: str) -> Json:
    """The form that most programs share. `reference` is how one refers to a variable."""
    if isinstance(server, Stdio):
        env = {**server.env, **{name: reference.format(name) for name in server.variables}}
        return {"command": server.command, "args": list(server.args), **({"env": env} if env else {})}
    headers = {
        name: REFERENCE.sub(lambda found: reference.format(found[1]), value) for name, value in server.headers.items()
    }
    return {url: server.url, **({"headers": headers} if headers else {})}


def _codex(server: Connection) -> Json:
    """Codex has keys of its own for what comes out of a variable, and no way to write one inside a text."""
    if isinstance(server, Stdio):
        more = {"env": dict(server.env), "env_vars": list(server.variables)}
        return {"command": server.command, "args": list(server.args), **{k: v for k, v in more.items() if v}}
    found: Json = {"url": server.url}
    for name, value in server.headers.items():
        if name.lower() == "authorization" and (bearer := _BEARER.fullmatch(value)):
            found["bearer_token_env_var"] = bearer[1]
        elif whole := REFERENCE.fullmatch(value):
            found.setdefault("env_http_headers", {})[name] = whole[1]
        else:
            found.setdefault("http_headers", {})[name] = value
    return found


_WRITERS: Mapping[Program, Callable[[Connection], Json]] = {
    Program.CLAUDE_CODE: _claude_code,
    Program.CURSOR: _cursor,
    Program.VSCODE: _vscode,
    Program.WINDSURF: _windsurf,
}


def _json(value: Json) -> str:
    return json.dumps(value, indent=2, ensure_ascii=False) + "\n"


def _toml_table(path: tuple[str, ...], table: Json) -> str:
    """Return a table of texts, lists of texts and tables. A JSON string is a TOML one, too."""
    lines = [f"[{'.'.join(map(_toml_key, path))}]"]
    lines += [
        f"{_toml_key(key)} = {json.dumps(value, ensure_ascii=False)}"
        for key, value in table.items()
        if not isinstance(value, dict)
    ]
    nested = [_toml_table((*path, key), value) for key, value in table.items() if isinstance(value, dict)]
    return "\n".join([*lines, "", *nested])


def _toml_key(key: str) -> str:
    return key if re.fullmatch(r"[A-Za-z0-9_-]+", key) else json.dumps(key, ensure_ascii=False)
