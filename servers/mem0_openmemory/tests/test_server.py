"""The server as a process, asked by the official client, before a strict stand-in of Mem0's API."""

from collections.abc import Iterator

import pytest
from mcp import Client
from mcp_chassis.testing import ERAS, ServerProcess, tool_error, undescribed
from tests.http_service import serving

from .mem0_api import KEY, Mem0


@pytest.fixture
def mem0() -> Mem0:
    return Mem0()


@pytest.fixture
def server(mem0: Mem0) -> Iterator[ServerProcess]:
    """A server that has a key."""
    with serving(mem0.application) as url:
        yield ServerProcess("mem0_openmemory", variables={"OPENMEMORY_URL": url, "OPENMEMORY_API_KEY": KEY})


async def texts(client: Client, tool: str, **arguments: object) -> list[str]:
    content = (await client.call_tool(tool, arguments)).structured_content
    assert content is not None
    return [each["memory"] for each in content["results"]]


@pytest.mark.parametrize("mode", ERAS)
def test_what_was_added_is_found_corrected_and_forgotten(mem0: Mem0, server: ServerProcess, mode: str) -> None:
    async def work(client: Client) -> None:
        assert await undescribed(client) == []
        assert await texts(client, "add_memory", text=" likes tea ") == ["likes tea"]
        assert await texts(client, "add_memory", text="likes coffee", as_it_is=True) == ["likes coffee"]
        assert await texts(client, "search_memories", query="tea") == ["likes tea"]
        await client.call_tool("update_memory", {"memory_id": "m1", "text": "likes green tea"})
        assert await texts(client, "list_memories", most=1) == ["likes green tea"]
        await client.call_tool("delete_memory", {"memory_id": "m2"})
        assert await texts(client, "list_memories") == ["likes green tea"]

    server.ask(work, mode=mode)
    assert mem0.inferred == [True, False]


def test_users_have_memories_of_their_own(mem0: Mem0, server: ServerProcess) -> None:
    async def work(client: Client) -> None:
        await client.call_tool("add_memory", {"text": "likes tea", "user": "ann"})
        assert await texts(client, "list_memories", user="ann") == ["likes tea"]
        assert await texts(client, "list_memories") == []
        await client.call_tool("add_memory", {"text": "likes coffee"})

    server.ask(work, OPENMEMORY_USER="everybody")
    assert [memory["user_id"] for memory in mem0.kept.values()] == ["ann", "everybody"]


WRONG: list[tuple[str, dict[str, object], str]] = [
    ("add_memory", {"text": " "}, "text"),
    ("search_memories", {"query": "x", "most": 101}, "most"),
    ("update_memory", {"memory_id": "m9", "text": "x"}, "There is no memory m9. search_memories tells the ids"),
    ("delete_memory", {"memory_id": "m9"}, "There is no memory m9"),
    ("delete_memory", {"memory_id": "../reset"}, "memory_id"),
]


def test_a_wrong_call_is_a_tool_error_that_says_what_to_change(server: ServerProcess) -> None:
    async def work(client: Client) -> None:
        for tool, arguments, said in WRONG:
            assert said in await tool_error(client, tool, arguments), (tool, arguments)

    server.ask(work)


def test_a_key_that_mem0_refuses_is_for_the_operator_and_is_not_told(server: ServerProcess) -> None:
    async def work(client: Client) -> None:
        told = await tool_error(client, "list_memories", {})
        assert "Only its operator" in told
        assert "wrong-canary" not in told

    server.ask(work, OPENMEMORY_API_KEY="wrong-canary")


def test_missing_settings_end_it_with_their_variables() -> None:
    said = ServerProcess("mem0_openmemory").refusal()
    assert "OPENMEMORY_URL: Field required" in said
    assert "OPENMEMORY_API_KEY: Field required" in said
