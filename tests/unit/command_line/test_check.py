"""`fleet check` against a real MCP server on loopback."""

import json
from collections.abc import Iterator

import pytest
from mcp import MCPError
from mcp.server import MCPServer
from mcp.server.mcpserver.exceptions import ToolError
from mcp.types import INTERNAL_ERROR

from tests.http_service import Guarded, serving

from .conftest import Machine

KEY = "key-of-operator"
CANARY = "canary-5f2a"
SERVERS = """\
config:
  mcp-fleet:servers:
    costar: catalog:costar
    standards: catalog:standards
    ollama: {source: catalog:ollama, env: {OLLAMA_HOST: "http://ollama.example.com:11434"}}
    cache: {source: catalog:redis, env: {REDIS_HOST: redis.example.com}}
    fetch: catalog:fetch
    asana: catalog:asana
    pricing: {source: catalog:aws-pricing, env: {AWS_REGION: us-east-1}}
    new: catalog:costar
"""


def server(status: str) -> MCPServer[None]:
    made: MCPServer[None] = MCPServer("played", log_level="ERROR")

    @made.tool()
    def health() -> dict[str, str]:
        """Tell of itself."""
        return {"status": status}

    @made.tool()
    def ollama_list() -> str:
        """List models."""
        raise ToolError(f"http://user:{CANARY}@ollama.example.com refused")

    @made.tool()
    def dbsize() -> str:
        """Count keys, and tell of a failure as if it were an answer."""
        return f"Error getting database size: {CANARY}"

    @made.tool()
    def get_pricing_service_codes(filter: str) -> str:
        """List services, and tell of a failure as JSON."""
        return json.dumps({"status": 401, "object": "error", "message": f"{filter}: {CANARY}"}, indent=2)

    @made.tool()
    def asana_list_workspaces() -> str:
        """List workspaces, and fail as servers do that throw what their vendor's API said."""
        raise MCPError(INTERNAL_ERROR, f"Authentication Failed: {CANARY}")

    return made


def guarded(status: str) -> Guarded:
    return Guarded(server(status).streamable_http_app(), "authorization", f"Bearer {KEY}", {})


@pytest.fixture
def stack(machine: Machine) -> Iterator[Machine]:
    """Servers that are well, degraded, without a health call, not there, and with calls that fail in four ways."""
    machine.stack_file.write_text(SERVERS)
    with serving(guarded("healthy")) as well, serving(guarded("degraded")) as degraded:
        urls = dict.fromkeys(("asana", "cache", "costar", "ollama", "fetch", "pricing"), f"{well}/mcp")
        urls["standards"] = f"{degraded}/mcp"
        machine.pulumi({"urls": urls, "tokens": {"operator": KEY}})
        yield machine


def test_each_server_is_said_to_be_configured_or_not_and_nothing_of_what_it_answered(stack: Machine) -> None:
    result = stack.fleet("check", "--json")
    assert result.exit_code == 1
    found = json.loads(result.stdout)
    assert {name: finding["configured"] for name, finding in found.items()} == {
        "asana": "no",
        "cache": "no",
        "costar": "yes",
        "fetch": "unknown",
        "new": "unknown",
        "ollama": "no",
        "pricing": "no",
        "standards": "no",
    }
    assert found["ollama"]["note"] == "ollama_list failed; `fleet call ollama ollama_list` says why"
    assert found["new"]["note"] == "it was never brought up"
    assert CANARY not in result.output


def test_the_named_ones_are_called_and_it_is_well_when_none_failed(stack: Machine) -> None:
    result = stack.fleet("check", "costar", "fetch")
    assert result.exit_code == 0, result.stderr
    assert [line.split()[:2] for line in result.stdout.splitlines()[1:]] == [["costar", "yes"], ["fetch", "unknown"]]


def test_a_server_that_does_not_answer_is_neither(stack: Machine) -> None:
    stack.pulumi({"urls": {"costar": "http://127.0.0.1:9/costar/mcp"}, "tokens": {"operator": KEY}})
    result = stack.fleet("check", "costar")
    assert result.exit_code == 0
    assert "no answer; `fleet why costar` says more" in result.stdout


def test_an_unknown_server_is_an_error_with_those_that_there_are(stack: Machine) -> None:
    result = stack.fleet("check", "costr")
    assert result.exit_code == 1
    assert "asana, cache, costar, fetch, new, ollama, pricing, standards" in result.stderr
