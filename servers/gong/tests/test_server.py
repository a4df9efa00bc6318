"""The server as a process, asked by the official client, before a strict stand-in of Gong's API."""

from collections.abc import Iterator

import pytest
from mcp import Client
from mcp_chassis.testing import ERAS, ServerProcess, tool_error, undescribed
from tests.http_service import serving

from .gong_api import API, KEY, SECRET

JANUARY = {"since": "2026-01-01T00:00:00Z", "until": "2026-02-01T00:00:00Z"}


@pytest.fixture(scope="module")
def server() -> Iterator[ServerProcess]:
    """A server that has a key of a company with three calls."""
    with serving(API) as url:
        variables = {"GONG_BASE_URL": url, "GONG_ACCESS_KEY": KEY, "GONG_ACCESS_KEY_SECRET": SECRET}
        yield ServerProcess("gong", variables=variables)


@pytest.mark.parametrize("mode", ERAS)
def test_calls_are_listed_page_by_page(server: ServerProcess, mode: str) -> None:
    async def work(client: Client) -> None:
        assert await undescribed(client) == []
        first = (await client.call_tool("list_calls", JANUARY)).structured_content
        assert first is not None
        assert [call["title"] for call in first["calls"]] == ["Call 1", "Call 2"]
        assert first["records"]["totalRecords"] == 3
        cursor = first["records"]["cursor"]
        last = (await client.call_tool("list_calls", {**JANUARY, "cursor": cursor})).structured_content
        assert last is not None
        assert ([call["id"] for call in last["calls"]], last["records"]["cursor"]) == (["3"], None)

    server.ask(work, mode=mode)


def test_a_time_without_calls_is_an_empty_list(server: ServerProcess) -> None:
    async def work(client: Client) -> None:
        result = await client.call_tool("list_calls", {**JANUARY, "since": "2026-01-30T00:00:00+02:00"})
        assert result.structured_content is not None
        assert result.structured_content["calls"] == []

    server.ask(work)


def test_a_call_is_described_and_its_transcript_names_the_speakers(server: ServerProcess) -> None:
    async def work(client: Client) -> None:
        described = (await client.call_tool("describe_call", {"call_id": "1"})).structured_content
        assert described is not None
        assert described["content"]["brief"] == "They agreed."
        assert described["parties"][0]["name"] == "Ann"
        read = (await client.call_tool("read_transcript", {"call_id": "1"})).structured_content
        assert read is not None
        assert read["nextLine"] is None
        assert read["lines"] == [
            {"start": 1.5, "speaker": "Ann", "text": "Hello. How are you?"},
            {"start": 1.5, "speaker": "speaker 12", "text": "Well."},
        ]
        users = (await client.call_tool("list_users", {})).structured_content
        assert users is not None
        assert users["users"][0]["emailAddress"] == "ann@example.com"

    server.ask(work)


def test_a_long_transcript_comes_in_parts(server: ServerProcess) -> None:
    async def work(client: Client) -> None:
        speakers: list[list[str]] = []
        line: int | None = 0
        while line is not None:
            part = (await client.call_tool("read_transcript", {"call_id": "2", "first_line": line})).structured_content
            assert part is not None
            speakers.append([each["speaker"] for each in part["lines"]])
            line = part["nextLine"]
        assert speakers == [["Ann"], ["speaker 12", "Ann"]]

    server.ask(work)


WRONG: list[tuple[str, dict[str, object], str]] = [
    ("list_calls", {"since": JANUARY["until"], "until": JANUARY["since"]}, "`until` must be later"),
    ("list_calls", {**JANUARY, "since": "2026-01-01T00:00:00"}, "timezone"),
    ("list_calls", {**JANUARY, "cursor": "x"}, "Change its arguments"),
    ("describe_call", {"call_id": "9"}, "no call 9, or this key may not see it. list_calls tells"),
    ("describe_call", {"call_id": "../users"}, "call_id"),
    ("read_transcript", {"call_id": "9"}, "no call 9"),
    ("read_transcript", {"call_id": "3"}, "has no transcript"),
    ("read_transcript", {"call_id": "1", "first_line": 2}, "has 2 lines; the first of them is line 0"),
]


def test_a_wrong_call_is_a_tool_error_that_says_what_to_change(server: ServerProcess) -> None:
    async def work(client: Client) -> None:
        for tool, arguments, said in WRONG:
            assert said in await tool_error(client, tool, arguments), (tool, arguments)

    server.ask(work)


def test_a_key_that_gong_refuses_is_for_the_operator_and_is_not_told(server: ServerProcess) -> None:
    async def work(client: Client) -> None:
        told = await tool_error(client, "list_users", {})
        assert "Only its operator" in told
        assert "wrong-canary" not in told

    server.ask(work, GONG_ACCESS_KEY_SECRET="wrong-canary")


def test_a_missing_key_ends_it_with_the_variables_name() -> None:
    assert "GONG_ACCESS_KEY_SECRET: Field required" in ServerProcess("gong").refusal(GONG_ACCESS_KEY="x")
