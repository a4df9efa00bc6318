"""The server as a process, asked by the official client, before a strict stand-in of v0's API."""

from collections.abc import Iterator

import pytest
from mcp import Client
from mcp_chassis.testing import ERAS, ServerProcess, tool_error, undescribed
from tests.http_service import serving

from .v0_api import KEY, V0, CreateChat


@pytest.fixture
def v0() -> V0:
    return V0()


@pytest.fixture
def server(v0: V0) -> Iterator[ServerProcess]:
    """A server that has a key."""
    with serving(v0.application) as url:
        yield ServerProcess("v0_dev", variables={"V0_BASE_URL": f"{url}/v1", "V0_API_KEY": KEY})


@pytest.mark.parametrize("mode", ERAS)
def test_what_is_asked_for_is_built_and_read(v0: V0, server: ServerProcess, mode: str) -> None:
    async def work(client: Client) -> None:
        assert await undescribed(client) == []
        asked = {"message": " a landing page ", "system": "Use blue.", "project_id": "p1"}
        chat = (await client.call_tool("start_chat", asked)).structured_content
        assert chat is not None
        assert (chat["id"], chat["status"], chat["files"]) == ("chat1", "pending", [])
        await client.call_tool("get_chat", {"chat_id": "chat1"})
        done = (await client.call_tool("get_chat", {"chat_id": "chat1"})).structured_content
        assert done is not None
        assert (done["status"], done["demoUrl"]) == ("completed", "https://demo.example.com")
        assert (done["files"], done["answer"]) == (["app/page.tsx"], "Done: a landing page")
        file = await client.call_tool("read_file", {"chat_id": "chat1", "file_name": "app/page.tsx"})
        assert file.structured_content == {"name": "app/page.tsx", "content": "export default 1"}

    server.ask(work, mode=mode)
    expected = CreateChat(
        message="a landing page", responseMode="async", system="Use blue.", chatPrivacy="private", projectId="p1"
    )
    assert v0.asked == [expected]


def test_a_message_builds_again_and_chats_are_listed_from_the_newest_on(server: ServerProcess) -> None:
    async def work(client: Client) -> None:
        for message in ("one", "two"):
            await client.call_tool("start_chat", {"message": message})
        again = (await client.call_tool("send_message", {"chat_id": "chat1", "message": "more"})).structured_content
        assert again is not None
        assert (again["status"], again["answer"]) == ("pending", "Done: more")
        listed = (await client.call_tool("list_chats", {"limit": 1, "offset": 1})).structured_content
        assert listed is not None
        assert [(chat["id"], chat["status"]) for chat in listed["chats"]] == [("chat1", "pending")]

    server.ask(work)


WRONG: list[tuple[str, dict[str, object], str]] = [
    ("start_chat", {"message": " "}, "message"),
    ("get_chat", {"chat_id": "none"}, "v0 has no chat none of this account. list_chats tells the ids"),
    ("send_message", {"chat_id": "none", "message": "x"}, "v0 has no chat none"),
    ("get_chat", {"chat_id": "../user"}, "chat_id"),
    ("read_file", {"chat_id": "chat1", "file_name": "x"}, "has no files yet: ask get_chat until"),
    ("read_file", {"chat_id": "chat1", "file_name": "x"}, "it has app/page.tsx."),
    ("list_chats", {"limit": 61}, "limit"),
]


def test_a_wrong_call_is_a_tool_error_that_says_what_to_change(server: ServerProcess) -> None:
    async def work(client: Client) -> None:
        await client.call_tool("start_chat", {"message": "one"})
        for tool, arguments, said in WRONG:
            assert said in await tool_error(client, tool, arguments), (tool, arguments)

    server.ask(work)


def test_a_key_that_v0_refuses_is_for_the_operator_and_is_not_told(server: ServerProcess) -> None:
    async def work(client: Client) -> None:
        told = await tool_error(client, "list_chats", {})
        assert "Only its operator" in told
        assert "wrong-canary" not in told

    server.ask(work, V0_API_KEY="wrong-canary")


def test_a_missing_key_ends_it_with_the_variables_name() -> None:
    assert "V0_API_KEY: Field required" in ServerProcess("v0_dev").refusal()
