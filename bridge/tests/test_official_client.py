"""The official client, in each of its modes, with a server of either era behind the bridge."""

import json
from typing import Any

import anyio
import mcp_types as types
import pytest
from mcp import Client, MCPError
from mcp.shared.subscriptions import ResourceUpdated, ToolsListChanged

from bridge.tests.rig import Bridge

pytestmark = pytest.mark.anyio
MODES = ["auto", "legacy", "2026-07-28"]
DEADLINE = 15


class Heard:
    """What a callback heard, in order."""

    def __init__(self) -> None:
        self._put, self._take = anyio.create_memory_object_stream[Any](100)

    def note(self, value: Any) -> None:
        self._put.send_nowait(value)

    async def take(self, count: int) -> list[Any]:
        """Return the first values, as soon as there are so many."""
        with anyio.fail_after(DEADLINE):
            found = [await self._take.receive() for _ in range(count)]
        self._put.close()
        self._take.close()
        return found


def text(result: types.CallToolResult) -> str:
    [content] = result.content
    assert isinstance(content, types.TextContent)
    return content.text


@pytest.mark.parametrize("mode", MODES)
async def test_lists_calls_and_reads(either_bridge: Bridge, mode: Any) -> None:
    async with Client(either_bridge.mcp, mode=mode) as client:
        assert client.protocol_version == ("2025-11-25" if mode == "legacy" else "2026-07-28")
        assert "echo" in {tool.name for tool in (await client.list_tools()).tools}
        assert text(await client.call_tool("echo", {"text": "héllo ⚑"})) == "héllo ⚑"
        [resource] = (await client.list_resources()).resources
        [content] = (await client.read_resource(resource.uri)).contents
        assert isinstance(content, types.TextResourceContents)
        assert content.text == "one"
        if mode != "2026-07-28":  # a client that is told the revision does not ask who answers
            assert client.server_info is not None
            assert client.server_info.version in ("1.2.3", "2.0.0")
            assert client.instructions == "Use me for tests."


@pytest.mark.parametrize("mode", MODES)
async def test_an_unknown_method_or_tool_is_an_error_and_not_the_end(either_bridge: Bridge, mode: Any) -> None:
    async with Client(either_bridge.mcp, mode=mode) as client:
        with pytest.raises(MCPError):
            await client.read_resource("test://nothing-of-that-name/\x00")
        refused = await client.call_tool("no-such-tool", {})
        assert refused.is_error
        assert text(await client.call_tool("echo", {"text": "still here"})) == "still here"


@pytest.mark.parametrize("mode", MODES)
async def test_progress_reaches_the_caller_with_its_own_token(either_bridge: Bridge, mode: Any) -> None:
    heard = Heard()

    async def note(progress: float, total: float | None, message: str | None) -> None:
        heard.note((progress, total))

    async with Client(either_bridge.mcp, mode=mode) as client:
        await client.call_tool("progress", {}, progress_callback=note)
        assert await heard.take(3) == [(1, 3), (2, 3), (3, 3)]


async def test_progress_of_parallel_calls_is_not_mixed_up(either_bridge: Bridge) -> None:
    async def run(client: Client) -> None:
        heard = Heard()

        async def note(progress: float, total: float | None, message: str | None) -> None:
            heard.note(progress)

        await client.call_tool("progress", {}, progress_callback=note)
        assert await heard.take(3) == [1, 2, 3]

    async with (
        Client(either_bridge.mcp, mode="legacy") as one,
        Client(either_bridge.mcp, mode="auto") as two,
        anyio.create_task_group() as group,
    ):
        for number in range(8):
            group.start_soon(run, (one, two)[number % 2])


@pytest.mark.parametrize("mode", MODES)
async def test_log_entries_reach_the_caller(either_bridge: Bridge, mode: Any) -> None:
    heard = Heard()

    async def note(params: types.LoggingMessageNotificationParams) -> None:
        heard.note(params.data)

    async with Client(either_bridge.mcp, mode=mode, logging_callback=note) as client:
        meta = None if mode == "legacy" else {"io.modelcontextprotocol/logLevel": "info"}
        await client.call_tool("log", {"level": "warning", "text": "low disk"}, meta=meta)
        assert await heard.take(1) == ["low disk"]


async def test_a_modern_caller_that_asked_for_no_log_gets_none(either_bridge: Bridge) -> None:
    seen: list[Any] = []

    async def note(params: types.LoggingMessageNotificationParams) -> None:
        seen.append(params.data)

    async with Client(either_bridge.mcp, mode="2026-07-28", logging_callback=note) as client:
        await client.call_tool("log", {"level": "warning", "text": "quiet please"})
        await client.call_tool("echo", {"text": "done"})
    assert seen == []


async def sample(context: Any, params: types.CreateMessageRequestParams) -> types.CreateMessageResult:
    return types.CreateMessageResult(
        role="assistant", content=types.TextContent(type="text", text="sampled"), model="none"
    )


async def elicit(context: Any, params: types.ElicitRequestParams) -> types.ElicitResult:
    return types.ElicitResult(action="accept", content={"name": "Ada"})


SAMPLING = {
    "method": "sampling/createMessage",
    "params": {"messages": [{"role": "user", "content": {"type": "text", "text": "hi"}}], "maxTokens": 5},
}


async def test_a_server_of_the_session_era_can_ask_its_client(session_bridge: Bridge) -> None:
    async with Client(session_bridge.mcp, mode="legacy", sampling_callback=sample) as client:
        answer = json.loads(text(await client.call_tool("ask", SAMPLING)))
        assert answer["content"]["text"] == "sampled"


async def test_a_client_that_did_not_offer_sampling_is_not_asked(session_bridge: Bridge) -> None:
    async with Client(session_bridge.mcp, mode="legacy") as client:
        answer = json.loads(text(await client.call_tool("ask", SAMPLING)))
        assert answer["code"] == -32601


async def test_a_server_that_can_not_tell_whom_it_asks_is_refused(session_bridge: Bridge) -> None:
    """Two clients have calls in flight: the request could be for either, so neither gets it."""
    async with (
        Client(session_bridge.mcp, mode="legacy", sampling_callback=sample) as one,
        Client(session_bridge.mcp, mode="legacy", sampling_callback=sample) as two,
        anyio.create_task_group() as group,
    ):
        group.start_soon(one.call_tool, "hold", {"name": "ambiguous"})
        with anyio.fail_after(DEADLINE):
            while "ambiguous" not in text(await two.call_tool("held", {})):
                pass
        answer = json.loads(text(await two.call_tool("ask", SAMPLING)))
        await two.call_tool("release", {"name": "ambiguous"})
        assert answer["code"] == -32600
        assert "several clients" in answer["message"]


@pytest.mark.parametrize("mode", MODES)
async def test_a_modern_server_can_ask_clients_of_both_eras(modern_bridge: Bridge, mode: Any) -> None:
    async with Client(modern_bridge.mcp, mode=mode, elicitation_callback=elicit) as client:
        assert text(await client.call_tool("greet", {})) == "Hello, Ada"


@pytest.mark.parametrize("mode", ["2026-07-28"])
async def test_a_listener_hears_of_changes(either_bridge: Bridge, mode: Any) -> None:
    async with Client(either_bridge.mcp, mode=mode) as client:
        with anyio.fail_after(DEADLINE):
            async with client.listen(tools_list_changed=True, resource_subscriptions=["test://one"]) as events:
                await client.call_tool("change", {})
                assert await anext(events) == ToolsListChanged()
                await client.call_tool("update", {"uri": "test://one"})
                assert await anext(events) == ResourceUpdated("test://one")


@pytest.mark.filterwarnings("ignore::mcp.shared.exceptions.MCPDeprecationWarning")
async def test_a_session_hears_of_changes(either_bridge: Bridge) -> None:
    heard = Heard()

    async def note(message: Any) -> None:
        heard.note(type(message).__name__)

    async with Client(either_bridge.mcp, mode="legacy", message_handler=note) as client:
        await client.session.subscribe_resource("test://one")
        await client.call_tool("change", {})
        await client.call_tool("update", {"uri": "test://one"})
        await client.call_tool("update", {"uri": "test://two"})
        assert await heard.take(2) == ["ToolListChangedNotification", "ResourceUpdatedNotification"]


@pytest.mark.parametrize("mode", MODES)
async def test_a_cancelled_call_is_cancelled_at_the_server(cancelling_bridge: Bridge, mode: Any) -> None:
    name = f"cancel-{mode}"
    async with Client(cancelling_bridge.mcp, mode=mode) as client:
        before = json.loads(text(await client.call_tool("cancelled", {})))
        async with anyio.create_task_group() as group:
            group.start_soon(client.call_tool, "hold", {"name": name})
            with anyio.fail_after(DEADLINE):
                while name not in text(await client.call_tool("held", {})):
                    pass
            group.cancel_scope.cancel()
        with anyio.fail_after(DEADLINE):
            while json.loads(text(await client.call_tool("cancelled", {}))) == before:
                pass


async def test_a_marked_argument_travels_in_a_header(modern_bridge: Bridge) -> None:
    async with Client(modern_bridge.mcp, mode="2026-07-28") as client:
        await client.list_tools()
        assert text(await client.call_tool("region", {"where": "eu ⚑"})) == "eu ⚑ 1"


async def test_twenty_clients_get_their_own_answers(either_bridge: Bridge) -> None:
    async def run(number: int) -> None:
        async with Client(either_bridge.mcp, mode=MODES[number % 3]) as client:  # type: ignore[arg-type]
            for turn in range(5):
                assert text(await client.call_tool("echo", {"text": f"{number}/{turn}"})) == f"{number}/{turn}"

    async with anyio.create_task_group() as group:
        for number in range(20):
            group.start_soon(run, number)
