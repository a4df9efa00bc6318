"""What the official conformance suite wants of a server, on the official SDK, for either era.

Tools that need the client's input return `input_required` to stateless clients, and put requests to clients of the
session era, as the SDK's own servers do.
"""

import base64
import json
import sys
from typing import Annotated, Any

import anyio
import mcp_types as types
from mcp import MCPError
from mcp.server import MCPServer
from mcp.server.mcpserver import Context
from mcp.server.runner import serve_loop
from mcp.server.stdio import stdio_server
from pydantic import Field

PNG = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mP8z8DwHwAFBQIAX8jx0gAAAABJRU5ErkJggg=="
WAV = "UklGRiYAAABXQVZFZm10IBAAAAABAAEAQB8AAAB9AAACABAAZGF0YQIAAAA="
Result = types.CallToolResult | types.InputRequiredResult

server = MCPServer("everything", version="1.0.0", instructions="A server for the conformance suite.")


def text(value: str) -> types.CallToolResult:
    return types.CallToolResult(content=[types.TextContent(type="text", text=value)])


def embedded(uri: str, mime_type: str, value: str) -> types.EmbeddedResource:
    return types.EmbeddedResource(
        type="resource", resource=types.TextResourceContents(uri=uri, mime_type=mime_type, text=value)
    )


def elicitation(message: str, properties: dict[str, Any]) -> types.ElicitRequest:
    schema = {"type": "object", "properties": properties, "required": list(properties)}
    return types.ElicitRequest(params=types.ElicitRequestFormParams(message=message, requested_schema=schema))


def sampling(prompt: str, tokens: int) -> types.CreateMessageRequest:
    message = types.SamplingMessage(role="user", content=types.TextContent(type="text", text=prompt))
    return types.CreateMessageRequest(params=types.CreateMessageRequestParams(messages=[message], max_tokens=tokens))


def responses(ctx: Context) -> dict[str, Any]:
    return dict(ctx.input_responses or {})


def required(requests: dict[str, Any], state: str | None = None) -> types.InputRequiredResult:
    return types.InputRequiredResult(input_requests=requests, request_state=state)


async def ask(ctx: Context, key: str, request: Any) -> Any:
    """Return the client's answer, or the interim result that asks for it."""
    if ctx.protocol_version == "2026-07-28":
        return responses(ctx).get(key) or required({key: request})
    kind = types.ElicitResult if isinstance(request, types.ElicitRequest) else types.CreateMessageResult
    return await ctx.session.send_request(request, kind)


# Content


@server.tool()
def test_simple_text() -> types.CallToolResult:
    """Return a text."""
    return text("This is a simple text response for testing.")


@server.tool()
def test_image_content() -> types.CallToolResult:
    """Return an image."""
    return types.CallToolResult(content=[types.ImageContent(type="image", data=PNG, mime_type="image/png")])


@server.tool()
def test_audio_content() -> types.CallToolResult:
    """Return a sound."""
    return types.CallToolResult(content=[types.AudioContent(type="audio", data=WAV, mime_type="audio/wav")])


@server.tool()
def test_embedded_resource() -> types.CallToolResult:
    """Return a resource."""
    content = embedded("test://embedded-resource", "text/plain", "This is an embedded resource content.")
    return types.CallToolResult(content=[content])


@server.tool()
def test_multiple_content_types() -> types.CallToolResult:
    """Return a text, an image and a resource."""
    data = '{"test":"data","value":123}'
    return types.CallToolResult(
        content=[
            types.TextContent(type="text", text="Multiple content types test:"),
            types.ImageContent(type="image", data=PNG, mime_type="image/png"),
            embedded("test://mixed-content-resource", "application/json", data),
        ]
    )


@server.tool()
def test_error_handling() -> types.CallToolResult:
    """Fail."""
    message = types.TextContent(type="text", text="This tool intentionally returns an error for testing")
    return types.CallToolResult(content=[message], is_error=True)


@server.tool()
async def test_tool_with_logging(ctx: Context) -> types.CallToolResult:
    """Log three times."""
    for line in ("Tool execution started", "Tool processing data", "Tool execution completed"):
        await ctx.session.send_log_message(level="info", data=line, related_request_id=ctx.request_id)
        await anyio.sleep(0.05)
    return text("logged")


@server.tool()
async def test_tool_with_progress(ctx: Context) -> types.CallToolResult:
    """Report progress three times."""
    for progress in (0, 50, 100):
        await ctx.report_progress(progress, 100)
        await anyio.sleep(0.05)
    return text("done")


@server.tool(name="test_custom_headers")
def custom_headers(
    region: Annotated[str, Field(json_schema_extra={"x-mcp-header": "Region"})] = "",
    count: Annotated[int, Field(json_schema_extra={"x-mcp-header": "Count"})] = 0,
) -> types.CallToolResult:
    """Take arguments that travel in headers too."""
    return text(f"{region} {count}")


# Input of the client, in one round


@server.tool()
async def test_sampling(prompt: str, ctx: Context) -> Result:
    """Let the client's model answer."""
    answer = await ask(ctx, "answer", sampling(prompt, 100))
    if isinstance(answer, types.InputRequiredResult):
        return answer
    return text(f"LLM response: {answer.content.text}")


async def elicited(ctx: Context, message: str, properties: dict[str, Any], form: str) -> Result:
    answer = await ask(ctx, "answer", elicitation(message, properties))
    if isinstance(answer, types.InputRequiredResult):
        return answer
    return text(form.format(answer.action, json.dumps(answer.content)))


@server.tool()
async def test_elicitation(message: str, ctx: Context) -> Result:
    """Ask the user for a name and an address."""
    properties = {
        "username": {"type": "string", "description": "User's response"},
        "email": {"type": "string", "description": "User's email address"},
    }
    return await elicited(ctx, message, properties, "User response: action={}, content={}")


@server.tool()
async def test_elicitation_sep1034_defaults(ctx: Context) -> Result:
    """Ask with a default for every type."""
    properties = {
        "name": {"type": "string", "default": "John Doe"},
        "age": {"type": "integer", "default": 30},
        "score": {"type": "number", "default": 95.5},
        "status": {"type": "string", "enum": ["active", "inactive", "pending"], "default": "active"},
        "verified": {"type": "boolean", "default": True},
    }
    return await elicited(ctx, "Defaults", properties, "Elicitation completed: action={}, content={}")


def titled(prefix: str, titles: list[str]) -> list[dict[str, str]]:
    return [{"const": f"{prefix}{number}", "title": title} for number, title in enumerate(titles, 1)]


@server.tool()
async def test_elicitation_sep1330_enums(ctx: Context) -> Result:
    """Ask for one or several of a list, in each way that there is."""
    options = ["option1", "option2", "option3"]
    properties = {
        "untitledSingle": {"type": "string", "enum": options},
        "titledSingle": {"type": "string", "oneOf": titled("value", ["First Option", "Second Option", "Third Option"])},
        "legacyEnum": {
            "type": "string",
            "enum": ["opt1", "opt2", "opt3"],
            "enumNames": ["Option One", "Option Two", "Option Three"],
        },
        "untitledMulti": {"type": "array", "items": {"type": "string", "enum": options}},
        "titledMulti": {
            "type": "array",
            "items": {"anyOf": titled("value", ["First Choice", "Second Choice", "Third Choice"])},
        },
    }
    return await elicited(ctx, "Choose", properties, "Elicitation completed: action={}, content={}")


# Multi round-trip

NAME = elicitation("What is your name?", {"name": {"type": "string"}})
CONFIRM = elicitation("Please confirm", {"ok": {"type": "boolean"}})
GREETING = sampling("Generate a greeting", 50)
ROOTS = types.ListRootsRequest()


@server.tool()
def test_input_required_result_elicitation(ctx: Context) -> Result:
    """Need a name."""
    answer = responses(ctx).get("user_name")
    if not isinstance(answer, types.ElicitResult) or not isinstance((answer.content or {}).get("name"), str):
        return required({"user_name": NAME})
    return text(f"Hello, {(answer.content or {})['name']}!")


@server.tool()
def test_input_required_result_sampling(ctx: Context) -> Result:
    """Need a model."""
    answer = responses(ctx).get("capital_question")
    if not isinstance(answer, types.CreateMessageResult):
        return required({"capital_question": sampling("What is the capital of France?", 100)})
    return text(getattr(answer.content, "text", ""))


@server.tool()
def test_input_required_result_list_roots(ctx: Context) -> Result:
    """Need the client's roots."""
    answer = responses(ctx).get("client_roots")
    if not isinstance(answer, types.ListRootsResult):
        return required({"client_roots": ROOTS})
    return text(f"Roots: {[str(root.uri) for root in answer.roots]}")


@server.tool()
def test_input_required_result_request_state(ctx: Context) -> Result:
    """Need a confirmation and what was said before."""
    if "confirm" not in responses(ctx):
        return required({"confirm": CONFIRM}, "remember")
    return text("state-ok" if ctx.request_state == "remember" else "state lost")


@server.tool()
def test_input_required_result_multiple_inputs(ctx: Context) -> Result:
    """Need three things at once."""
    wanted = {"user_name": NAME, "greeting": GREETING, "client_roots": ROOTS}
    if set(wanted) - set(responses(ctx)):
        return required(wanted, "all of them")
    return text("got everything")


@server.tool()
def test_input_required_result_multi_round(ctx: Context) -> Result:
    """Need two things one after the other."""
    given = responses(ctx)
    if ctx.request_state is None or ("step1" not in given and ctx.request_state == "round 1"):
        request = elicitation("Step 1: What is your name?", {"name": {"type": "string"}})
        return required({"step1": request}, "round 1")
    if "step2" not in given:
        request = elicitation("Step 2: What is your favorite color?", {"color": {"type": "string"}})
        return required({"step2": request}, "round 2")
    return text("finished")


@server.tool()
def test_input_required_result_tampered_state(ctx: Context) -> Result:
    """Need a state that nobody has changed: the SDK seals it."""
    if "confirm" not in responses(ctx):
        return required({"confirm": CONFIRM}, "sealed")
    return text("state-ok")


@server.tool()
def test_input_required_result_capabilities(ctx: Context) -> Result:
    """Need whatever the client can do."""
    if responses(ctx):
        return text("thanks")
    capabilities = ctx.client_capabilities or types.ClientCapabilities()
    wanted = {
        "user_name": NAME if capabilities.elicitation is not None else None,
        "greeting": GREETING if capabilities.sampling is not None else None,
        "client_roots": ROOTS if capabilities.roots is not None else None,
    }
    return required({key: request for key, request in wanted.items() if request is not None}, "state")


@server.tool()
def test_missing_capability(ctx: Context) -> types.CallToolResult:
    """Refuse clients that can not sample."""
    capabilities = ctx.client_capabilities or types.ClientCapabilities()
    if capabilities.sampling is None:
        data = {"requiredCapabilities": {"sampling": {}}}
        raise MCPError(types.MISSING_REQUIRED_CLIENT_CAPABILITY, "This needs sampling.", data)
    return text("can sample")


@server.tool()
async def test_logging_tool(ctx: Context) -> types.CallToolResult:
    """Log once."""
    await ctx.session.send_log_message(level="info", data="logged", related_request_id=ctx.request_id)
    return text("logged")


@server.tool()
async def test_trigger_tool_change(ctx: Context) -> types.CallToolResult:
    """Say that the tools have changed."""
    await ctx.notify_tools_changed()
    return text("changed")


@server.tool()
async def test_trigger_prompt_change(ctx: Context) -> types.CallToolResult:
    """Say that the prompts have changed."""
    await ctx.notify_prompts_changed()
    return text("changed")


# Resources


@server.resource("test://static-text", mime_type="text/plain", description="A text")
def static_text() -> str:
    return "This is the content of the static text resource."


@server.resource("test://static-binary", mime_type="image/png", description="An image")
def static_binary() -> bytes:
    return base64.b64decode(PNG)


@server.resource("test://template/{id}/data", mime_type="application/json", description="Data of an id")
def template(id: str) -> str:
    return json.dumps({"id": id, "templateTest": True, "data": f"Data for ID: {id}"})


@server.resource("test://watched-resource", mime_type="text/plain", description="A text to follow")
def watched() -> str:
    return "Watched."


# Prompts


@server.prompt()
def test_simple_prompt() -> str:
    """A prompt without arguments."""
    return "This is a simple prompt for testing."


@server.prompt()
def test_prompt_with_arguments(arg1: str, arg2: str) -> str:
    """A prompt with arguments."""
    return f"Prompt with arguments: arg1='{arg1}', arg2='{arg2}'"


@server.prompt()
def test_prompt_with_embedded_resource(
    resourceUri: str,  # noqa: N803 - the suite's name
) -> list[Any]:
    """A prompt with a resource."""
    return [
        embedded(resourceUri, "text/plain", "Embedded resource content for testing."),
        types.TextContent(type="text", text="Please process the embedded resource above."),
    ]


@server.prompt()
def test_prompt_with_image() -> list[Any]:
    """A prompt with an image."""
    return [
        types.ImageContent(type="image", data=PNG, mime_type="image/png"),
        types.TextContent(type="text", text="Please analyze the image above."),
    ]


@server.prompt()
async def test_input_required_result_prompt(ctx: Context) -> Any:
    """A prompt that needs the user first."""
    answer = responses(ctx).get("user_context")
    if not isinstance(answer, types.ElicitResult):
        return required({"user_context": elicitation("What context?", {"context": {"type": "string"}})})
    return f"Use this context: {(answer.content or {}).get('context')}"


@server.completion()
async def complete(*_: Any) -> types.Completion:
    return types.Completion(values=["paris", "park", "party"], total=3, has_more=False)


async def nothing(*_: Any) -> types.EmptyResult:
    """Accept a log level or a subscription: nothing here depends on them."""
    return types.EmptyResult()


async def serve_session_era() -> None:
    """Serve as a server that knows `initialize` only."""
    lowlevel = server._lowlevel_server
    lowlevel.add_request_handler("logging/setLevel", types.SetLevelRequestParams, nothing)
    lowlevel.add_request_handler("resources/subscribe", types.SubscribeRequestParams, nothing)
    lowlevel.add_request_handler("resources/unsubscribe", types.UnsubscribeRequestParams, nothing)
    async with stdio_server() as (read, write), lowlevel.lifespan(lowlevel) as state:
        await serve_loop(lowlevel, read, write, lifespan_state=state)


if __name__ == "__main__":
    if "--session-era" in sys.argv:
        anyio.run(serve_session_era)
    else:
        server.run("stdio")
