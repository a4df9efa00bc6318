"""The server as a process, asked by the official client, before a strict stand-in of Snowflake's SQL API."""

from collections.abc import Iterator

import pytest
from mcp import Client
from mcp_chassis.testing import ERAS, ServerProcess, tool_error, undescribed
from tests.http_service import serving

from cortex_aisql.statements import reads

from .sql_api import HANDLE, SLOW, TOKEN, SqlApi


@pytest.fixture
def snowflake() -> SqlApi:
    return SqlApi()


@pytest.fixture
def server(snowflake: SqlApi) -> Iterator[ServerProcess]:
    """A server that has a token."""
    with serving(snowflake.application) as url:
        yield ServerProcess("cortex_aisql", variables={"SNOWFLAKE_URL": url, "SNOWFLAKE_PAT": TOKEN})


@pytest.mark.parametrize("mode", ERAS)
def test_the_functions_get_their_texts_as_values_and_never_as_sql(
    snowflake: SqlApi, server: ServerProcess, mode: str
) -> None:
    async def work(client: Client) -> None:
        assert await undescribed(client) == []

        async def said(tool: str, **arguments: object) -> object:
            content = (await client.call_tool(tool, arguments)).structured_content
            assert content is not None
            return content["text"]

        injected = "x'); DROP TABLE t; --"
        assert await said("complete", prompt=injected, model="llama4-scout") == f"llama4-scout says: {injected}"
        assert await said("classify", text="slow", categories=["bug", "wish"]) == '{"labels": ["bug", "wish"]}'
        assert await said("translate", text="Tea", to="de") == "Tea//de"

    server.ask(work, mode=mode, SNOWFLAKE_WAREHOUSE="WH", SNOWFLAKE_ROLE="R", SNOWFLAKE_SCHEMA="S")
    assert not any("DROP" in each.statement for each in snowflake.submitted)
    assert {(each.warehouse, each.role, each.database) for each in snowflake.submitted} == {("WH", "R", None)}
    assert {each.parameters["MULTI_STATEMENT_COUNT"] for each in snowflake.submitted} == {"1"}


def test_a_long_result_comes_in_parts_and_a_slow_one_by_its_handle(server: ServerProcess) -> None:
    async def work(client: Client) -> None:
        first = (await client.call_tool("query", {"statement": "SELECT * FROM t"})).structured_content
        assert first is not None
        assert (first["rows_in_all"], first["parts"], first["columns"]) == (3, 2, ["C0", "C1"])
        assert first["rows"] == [["1", "a"], ["2", None]]
        arguments = {"handle": first["handle"], "part": 1}
        more = (await client.call_tool("get_result", arguments)).structured_content
        assert more is not None
        assert more["rows"] == [["3", "c"]]
        slow = (await client.call_tool("query", {"statement": "SELECT * FROM slow"})).structured_content
        assert slow is not None
        assert (slow["running"], slow["handle"], slow["rows"]) == (True, SLOW, [])
        results = [(await client.call_tool("get_result", {"handle": SLOW})).structured_content for _ in range(2)]
        assert [each["running"] for each in results if each] == [True, False]

    server.ask(work)


WRONG: list[tuple[str, dict[str, object], str]] = [
    ("query", {"statement": "DELETE FROM t"}, "Only statements that read"),
    ("query", {"statement": "SELECT * FROM none"}, "does not exist or not authorized."),
    ("get_result", {"handle": HANDLE[:-1] + "9"}, "keeps one for a day. Run the statement again"),
    ("get_result", {"handle": "../x"}, "handle"),
    ("complete", {"prompt": "x", "model": "x'"}, "model"),
    ("classify", {"text": "x", "categories": ["one"]}, "categories"),
]


def test_a_wrong_call_is_a_tool_error_that_says_what_to_change(server: ServerProcess) -> None:
    async def work(client: Client) -> None:
        for tool, arguments, said in WRONG:
            assert said in await tool_error(client, tool, arguments), (tool, arguments)

    server.ask(work)


def test_a_token_that_snowflake_refuses_is_for_the_operator_and_is_not_told(server: ServerProcess) -> None:
    async def work(client: Client) -> None:
        told = await tool_error(client, "complete", {"prompt": "x"})
        assert "Only its operator" in told
        assert "wrong-canary" not in told

    server.ask(work, SNOWFLAKE_PAT="wrong-canary")


def test_missing_settings_end_it_with_their_variables() -> None:
    said = ServerProcess("cortex_aisql").refusal()
    assert "SNOWFLAKE_URL: Field required" in said
    assert "SNOWFLAKE_PAT: Field required" in said


@pytest.mark.parametrize(
    "statement",
    ["select 1", " -- why\n SELECT 1", "/* a */ with x as (select 1) select * from x", "(SELECT 1)", "SHOW TABLES"],
)
def test_what_reads_is_run(statement: str) -> None:
    assert reads(statement)


@pytest.mark.parametrize(
    "statement",
    [
        "DELETE FROM t",
        "-- select\nDROP TABLE t",
        "/* select */ UPDATE t",
        "selects",
        "CALL p()",
        "EXECUTE IMMEDIATE 'x'",
        "",
    ],
)
def test_what_changes_something_is_not(statement: str) -> None:
    assert not reads(statement)
