"""What tests of a server need: the server as a process of its own, asked by the official client."""

import asyncio
import os
import subprocess
import sys
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from importlib.util import find_spec
from pathlib import Path
from typing import Final, TextIO

from mcp import Client, StdioServerParameters
from mcp.client.stdio import get_default_environment, stdio_client
from mcp.types import CallToolResult, TextContent

NEWEST: Final = "2026-07-28"
ERAS: Final = ("legacy", NEWEST)
"""Modes of the client: the protocol that begins with `initialize`, and the one without sessions."""


@dataclass(frozen=True)
class ServerProcess:
    """A server that is started anew for each question: `python -m module`.

    Of the variables that are set where the tests run it gets only those that any program needs, such as PATH, and those
    by which coverage.py measures it.

    Arguments:
        module: of the server, which need not be installed.
        source: the folder that the module is in; without one, where this process would import it from.
        variables: of each process; those that a question has of its own are added, and win.
    """

    module: str
    source: Path | None = None
    variables: Mapping[str, str] = field(default_factory=dict)

    def client(self, *, mode: str = NEWEST, log: TextIO | None = None, **variables: str) -> Client:
        """Return a client of a new process, which ends with it.

        Arguments:
            mode: one of ERAS.
            log: gets what the server logs; without one, stderr.
            variables: of the server's environment.
        """
        command = StdioServerParameters(
            command=sys.executable, args=["-m", self.module], env=self._environment(variables)
        )
        return Client(stdio_client(command, errlog=log or sys.stderr), mode=mode)

    def ask(
        self,
        work: Callable[[Client], Awaitable[None]],
        *,
        mode: str = NEWEST,
        log: TextIO | None = None,
        **variables: str,
    ) -> None:
        """Do `work` with a client of a new process; see `client`."""

        async def run() -> None:
            async with self.client(mode=mode, log=log, **variables) as client:
                await work(client)

        asyncio.run(run())

    def refusal(self, **variables: str) -> str:
        """Return what the server says when it can't start with `variables`. Raises AssertionError where it can."""
        ended = subprocess.run(
            [sys.executable, "-m", self.module],
            env=self._environment(variables),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
        )
        assert ended.returncode == 1, f"{self.module} ended with {ended.returncode}: {ended.stderr}"
        assert "Traceback" not in ended.stderr, ended.stderr
        return ended.stderr

    def _environment(self, variables: Mapping[str, str]) -> dict[str, str]:
        source = str(self.source or _source(self.module))
        measured = {name: value for name, value in os.environ.items() if name.startswith("COVERAGE_")}
        return {**get_default_environment(), **measured, "PYTHONPATH": source, **self.variables, **variables}


def text(result: CallToolResult) -> str:
    """Return the one text that a result is. Raises AssertionError where it is something else."""
    (block,) = result.content
    assert isinstance(block, TextContent), f"{block.type} is no text"
    return block.text


async def tool_error(client: Client, tool: str, arguments: Mapping[str, object]) -> str:
    """Make a call that should fail, and return what a model is told. Raises AssertionError where it succeeds."""
    result = await client.call_tool(tool, dict(arguments))
    assert result.is_error, f"{tool} took {arguments} and answered {result.content}"
    return text(result)


async def undescribed(client: Client) -> list[str]:
    """Return what has no description: names of tools, and their arguments as `tool.argument`."""
    tools = (await client.list_tools()).tools
    return [tool.name for tool in tools if not tool.description] + [
        f"{tool.name}.{argument}"
        for tool in tools
        for argument, schema in tool.input_schema.get("properties", {}).items()
        if "description" not in schema
    ]


def _source(module: str) -> Path:
    found = find_spec(module)
    if found is None or found.origin is None:
        raise ModuleNotFoundError(f"no module {module!r} to run; put its folder in sys.path, or give it as `source`")
    levels = module.count(".") + (found.submodule_search_locations is not None)
    return Path(found.origin).parents[levels]
