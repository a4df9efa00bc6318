"""`fleet call` against a real MCP server on loopback that asks for a key and refuses as the gateway does."""

import json
import socket
import threading
from collections.abc import Iterator
from typing import Any, Protocol

import pytest
import uvicorn
from mcp.server import MCPServer
from mcp.server.mcpserver import Image
from mcp.server.mcpserver.exceptions import ToolError
from starlette.types import ASGIApp, Receive, Scope, Send
from typer.testing import Result

from .conftest import Machine

KEY = "key-of-operator"
REFUSAL = {"jsonrpc": "2.0", "id": None, "error": {"code": -32010, "message": "Unknown API key: ask an operator."}}
PIXEL = bytes.fromhex("89504e470d0a1a0a")


def build() -> MCPServer[None]:
    server: MCPServer[None] = MCPServer("clock", log_level="ERROR")

    @server.tool(structured_output=False)
    def greet(name: str) -> str:
        """Greet somebody.

        More about it.
        """
        return f"hello {name}\nand welcome"

    @server.tool()
    def add(a: int, b: int) -> dict[str, int]:
        """Add two numbers."""
        return {"sum": a + b}

    @server.tool()
    def fail() -> str:
        """Fail."""
        raise ToolError("the disk is full")

    @server.tool()
    def draw() -> Image:
        """Draw a picture."""
        return Image(data=PIXEL, format="png")

    return server


class Gateway:
    """Lets requests with the key through and refuses the others; counts the protocol revisions it saw."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app
        self.revisions: set[bytes] = set()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        headers = dict(scope.get("headers", ()))
        if scope["type"] == "http" and headers.get(b"authorization") != f"Bearer {KEY}".encode():
            kind = (b"content-type", b"application/json")
            await send({"type": "http.response.start", "status": 401, "headers": [kind]})
            await send({"type": "http.response.body", "body": json.dumps(REFUSAL).encode()})
            return
        self.revisions.add(headers.get(b"mcp-protocol-version", b""))
        await self.app(scope, receive, send)


@pytest.fixture(scope="module")
def gateway() -> Iterator[tuple[Gateway, str]]:
    gateway = Gateway(build().streamable_http_app())
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        server = uvicorn.Server(uvicorn.Config(gateway, log_level="error", ws="none", timeout_graceful_shutdown=1))
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
        thread.start()
        yield gateway, f"http://127.0.0.1:{listener.getsockname()[1]}"
        server.should_exit = True
        thread.join()


class Call(Protocol):
    """`fleet call clock` with these arguments."""

    def __call__(self, *arguments: str, given: str | None = None) -> Result: ...


@pytest.fixture
def call(machine: Machine, gateway: tuple[Gateway, str]) -> Call:
    machine.pulumi({"urls": {"clock": f"{gateway[1]}/mcp"}, "tokens": {"operator": KEY, "stranger": "revoked"}})

    def run(*arguments: str, given: str | None = None) -> Result:
        return machine.fleet("call", "clock", *arguments, given=given)

    return run


def test_the_tools_are_listed_one_a_line_with_what_they_do(call: Call) -> None:
    result = call("--list")
    assert result.exit_code == 0, result.stderr
    lines = [line.split(maxsplit=1) for line in result.stdout.splitlines()]
    assert lines == [
        ["greet", "Greet somebody."],
        ["add", "Add two numbers."],
        ["fail", "Fail."],
        ["draw", "Draw a picture."],
    ]
    assert {tool["name"] for tool in json.loads(call("--list", "--json").stdout)} == {"greet", "add", "fail", "draw"}


def test_a_result_is_printed_as_the_server_says_it(call: Call) -> None:
    result = call("greet", '{"name": "Ada"}')
    assert (result.exit_code, result.stdout, result.stderr) == (0, "hello Ada\nand welcome\n", "")


@pytest.mark.parametrize(("tool", "arguments", "printed"), [("add", '{"a": 1, "b": 2}', {"sum": 3})])
def test_json_is_the_structured_result(call: Call, tool: str, arguments: Any, printed: Any) -> None:
    assert json.loads(call(tool, arguments, "--json").stdout) == printed


def test_a_result_without_structure_is_its_blocks_as_json(call: Call) -> None:
    assert json.loads(call("draw", "--json").stdout)[0]["mimeType"] == "image/png"
    assert call("draw").stdout == "[image/png; --json prints it]\n"


def test_arguments_may_come_from_stdin(call: Call) -> None:
    assert call("greet", "-", given='{"name": "Grace"}').stdout.startswith("hello Grace")


@pytest.mark.parametrize(("era", "revision"), [("modern", b"2026-07-28"), ("legacy", b"2025-11-25")])
def test_both_eras_are_spoken(call: Call, gateway: tuple[Gateway, str], era: str, revision: bytes) -> None:
    gateway[0].revisions.clear()
    assert call("greet", '{"name": "Ada"}', "--era", era).exit_code == 0
    assert gateway[0].revisions - {b""} == {revision}


def test_what_a_tool_complains_of_goes_to_stderr(call: Call) -> None:
    result = call("fail")
    assert result.exit_code == 1
    assert result.stdout == ""
    assert result.stderr.startswith("error: clock fail: ")
    assert "the disk is full" in result.stderr


@pytest.mark.parametrize("era", ["auto", "modern", "legacy"])
def test_a_refusal_of_the_gateway_is_printed_in_its_own_words(call: Call, era: str) -> None:
    result = call("greet", '{"name": "Ada"}', "--client", "stranger", "--era", era)
    assert result.exit_code == 1
    assert "401: Unknown API key: ask an operator." in result.stderr
    assert "revoked" not in result.stderr
    assert "Traceback" not in result.stderr


def test_an_unknown_tool_is_an_error(call: Call) -> None:
    result = call("gret", "{}")
    assert result.exit_code == 1
    assert result.stderr.startswith("error: clock")
    assert "gret" in result.stderr


def test_a_gateway_that_is_down_is_said_with_its_url(machine: Machine) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{free.getsockname()[1]}/clock/mcp"
        machine.pulumi({"urls": {"clock": url}, "tokens": {"operator": KEY}})
        result = machine.fleet("call", "clock", "--list")
    assert result.exit_code == 1
    assert url in result.stderr
    assert "fleet why clock" in result.stderr


@pytest.mark.parametrize("arguments", [(), ("greet", "--list"), ("greet", "[1]"), ("greet", "{name: Ada}")])
def test_a_call_that_makes_no_sense_is_a_usage_error(call: Call, arguments: Any) -> None:
    assert call(*arguments).exit_code == 2
