"""Whether the tools that clients are limited to exist: asked of the servers that run."""

from collections.abc import Iterator, Mapping

import httpx2
import pulumi

from .config import StackConfig
from .load import Stack
from .problems import Problem, bad_stack, nearest

REVISION = "2026-07-28"
"""The protocol revision that asks without a session: https://modelcontextprotocol.io/specification/2026-07-28."""

TIMEOUT_SECONDS = 3.0


def check_tools(stack: Stack, server: str, url: str, key: pulumi.Output[str], *runs: pulumi.Output[str]) -> None:
    """Have the deployment refused where a client is limited to tools that `server`, answering at `url`, has not.

    It is asked with the API key `key` once all of `runs` are known: what identifies the server's image and service.
    So a preview asks a server that stays as it is, and an `up` asks a changed one as soon as it is healthy.
    """
    if any(_limits(stack.config, server)):
        pulumi.Output.all(key, *runs).apply(lambda values: _refuse_unknown_tools(stack, server, url, values[0]))


def _refuse_unknown_tools(stack: Stack, server: str, url: str, key: str) -> None:
    tools = read_tools(url, key)
    problems = [] if tools is None else list(tool_problems(stack.config, server, tools))
    if problems:
        raise bad_stack(stack.name, stack.file, problems)


def tool_problems(config: StackConfig, server: str, tools: frozenset[str]) -> Iterator[Problem]:
    """Yield a problem for each tool of `server` that a client is limited to and that is not among `tools`."""
    for client, allowed in _limits(config, server):
        for tool in allowed:
            if tool not in tools:
                yield Problem(
                    path=("clients", client, "servers", server),
                    message=f"server {server!r} has no tool {tool!r}{nearest(tool, tools)}",
                )


def _limits(config: StackConfig, server: str) -> Iterator[tuple[str, tuple[str, ...]]]:
    for name, client in config.clients.items():
        allowed = (client.servers or {}).get(server, "*")
        if allowed != "*":
            yield name, allowed


def read_tools(url: str, key: str) -> frozenset[str] | None:
    """Return the names of the tools of the server at `url`, or None where it does not answer: others report that."""
    tools: set[str] = set()
    cursor: str | None = None
    with httpx2.Client(timeout=TIMEOUT_SECONDS, headers=_headers(key)) as client:
        while True:
            try:
                response = client.post(url, json=_request(cursor))
            except httpx2.TransportError as error:
                pulumi.log.debug(f"{url} did not list its tools: {error}")
                return None
            if response.status_code != httpx2.codes.OK:
                pulumi.log.debug(f"{url} did not list its tools: {response.status_code}")
                return None
            result = response.json().get("result", {})
            tools |= {tool["name"] for tool in result.get("tools", ())}
            cursor = result.get("nextCursor")
            if not cursor:
                return frozenset(tools)


def _headers(key: str) -> Mapping[str, str]:
    return {
        "authorization": f"Bearer {key}",
        "accept": "application/json, text/event-stream",
        "mcp-protocol-version": REVISION,
        "mcp-method": "tools/list",
    }


def _request(cursor: str | None) -> Mapping[str, object]:
    meta = {
        "io.modelcontextprotocol/protocolVersion": REVISION,
        "io.modelcontextprotocol/clientInfo": {"name": "mcp-fleet", "version": "1"},
        "io.modelcontextprotocol/clientCapabilities": {},
    }
    params = {"_meta": meta} if cursor is None else {"_meta": meta, "cursor": cursor}
    return {"jsonrpc": "2.0", "id": 1, "method": "tools/list", "params": params}
