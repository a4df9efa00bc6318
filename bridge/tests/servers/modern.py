"""A stdio MCP server of the stateless era, on the official SDK, with the tools of its older sister where it can."""

import json
import os
from typing import Annotated, Any

import anyio
from mcp.server import MCPServer
from mcp.server.mcpserver import Context
from mcp.server.mcpserver.resolve import Elicit, Resolve
from pydantic import BaseModel, Field

server = MCPServer("modern", version="2.0.0", instructions="Use me for tests.")
held: dict[str, anyio.Event] = {}
cancelled: list[str] = []


@server.tool()
def echo(text: str) -> str:
    return text


@server.tool()
async def hold(name: str, ctx: Context) -> str:
    held[name] = anyio.Event()
    await ctx.report_progress(1)
    try:
        await held[name].wait()
        await ctx.report_progress(2)
    except anyio.get_cancelled_exc_class():
        cancelled.append(name)
        raise
    finally:
        held.pop(name, None)
    return f"released {name}"


@server.tool()
def release(name: str) -> str:
    if name in held:
        held[name].set()
    return "done"


@server.tool(name="held")
def held_names() -> str:
    return json.dumps(sorted(held))


@server.tool(name="cancelled")
def cancelled_calls() -> str:
    return json.dumps(len(cancelled))


@server.tool()
async def progress(ctx: Context) -> str:
    for step in range(1, 4):
        await ctx.report_progress(step, 3)
    return "done"


@server.tool()
async def log(level: str, text: str, ctx: Context) -> str:
    await ctx.session.send_log_message(level=level, data=text, related_request_id=ctx.request_id)  # type: ignore[arg-type]
    return "done"


class Name(BaseModel):
    name: str


async def ask_name() -> Elicit[Name]:
    return Elicit("What is your name?", Name)


@server.tool()
async def greet(name: Annotated[Name, Resolve(ask_name)]) -> str:
    return f"Hello, {name.name}"


@server.tool()
def getenv(name: str) -> str:
    return os.environ.get(name, "(unset)")


@server.tool()
async def change(ctx: Context) -> str:
    await ctx.notify_tools_changed()
    return "done"


@server.tool()
async def update(uri: str, ctx: Context) -> str:
    await ctx.notify_resource_updated(uri)
    return "done"


@server.tool()
def region(where: Annotated[str, Field(json_schema_extra={"x-mcp-header": "Region"})], count: int = 1) -> str:
    return f"{where} {count}"


@server.tool()
def crash() -> Any:
    os._exit(3)


@server.resource("test://one")
def one() -> str:
    return "one"


@server.prompt()
def greeting(name: str) -> str:
    return f"Hello, {name}"


if __name__ == "__main__":
    server.run("stdio")
