import asyncio
import time
from typing import Any

import pytest
from mcp import Client
from mcp.types import ToolAnnotations
from mcp_chassis import Chassis
from mcp_chassis.testing import ERAS, ServerProcess, text, tool_error, undescribed
from tests.postgres_server import PostgresServer, postgres_server

from ai_memory.server import VERSION, build
from ai_memory.settings import MemorySettings

SERVER = ServerProcess("ai_memory")
RECOVERY_SECONDS = 60
HOSTILE = (
    "'; DROP TABLE memory; --",
    "x' OR '1'='1",
    "$$; DELETE FROM memory; $$",
    "%(namespace)s %s {columns} {}",
    "' & !! | <-> (:*",
    "\\'; SELECT pg_sleep(10); --",
    "a\\",
    "{a,b}",
    '","b',
    "'[1,2,3]'::vector",
    "\uff07; DROP TABLE memory; --",
)


def in_process(dsn: str) -> Client:
    return Client(build(Chassis("ai-memory", VERSION, MemorySettings.model_validate({"database_url": dsn}))))


@pytest.mark.parametrize("mode", ERAS)
def test_a_memory_is_stored_found_changed_and_deleted_in_both_eras(dsn: str, mode: str) -> None:
    async def work(client: Client) -> None:
        async def call(tool: str, **arguments: object) -> Any:
            result = await client.call_tool(tool, arguments)
            assert not result.is_error, result.content
            return result.structured_content

        given = [{"text": " Deploys are on Monday. ", "tags": ["team"]}]
        (memory,) = (await call("store_memories", memories=given))["memories"]
        assert memory["text"] == "Deploys are on Monday."
        (match,) = (await call("search_memories", query="when do we deploy?"))["matches"]
        assert match["memory"] == memory
        assert await call("list_memories", tags=["team"]) == {"memories": [memory], "total": 1}
        changed = await call("update_memory", id=memory["id"], text="Deploys are on Friday.")
        assert await call("get_memory", id=memory["id"]) == changed
        assert (await call("search_memories", query="deploy"))["matches"][0]["memory"] == changed
        assert await call("delete_memory", id=memory["id"]) == changed
        assert await call("list_memories") == {"memories": [], "total": 0}

    SERVER.ask(work, mode=mode, DATABASE_URL=dsn)


def test_each_tool_says_what_it_does_and_takes(dsn: str) -> None:
    async def run() -> None:
        async with in_process(dsn) as client:
            assert await undescribed(client) == []
            tools = {tool.name: tool for tool in (await client.list_tools()).tools}
        assert all(tool.output_schema for tool in tools.values())
        hints = {name: tool.annotations or ToolAnnotations() for name, tool in tools.items()}
        reading = {name for name, hint in hints.items() if hint.read_only_hint}
        assert reading == {"search_memories", "get_memory", "list_memories", "health"}
        destructive = {name for name, hint in hints.items() if hint.destructive_hint}
        assert destructive == {"update_memory", "delete_memory"}
        assert set(hints) - reading - destructive == {"store_memories"}

    asyncio.run(run())


@pytest.mark.parametrize(
    ("tool", "arguments", "reason"),
    [
        ("get_memory", {"id": 7}, "There is no memory 7; search_memories and list_memories return the ids"),
        ("delete_memory", {"id": 7}, "There is no memory 7"),
        ("update_memory", {"id": 7, "text": "x"}, "There is no memory 7"),
        ("update_memory", {"id": 7}, "give a new text, new tags, or both"),
        ("get_memory", {"id": 2**63}, "id"),
        ("store_memories", {"memories": []}, "memories"),
        ("store_memories", {"memories": [{"text": "  "}]}, "text"),
        ("store_memories", {"memories": [{"text": "a\0b"}]}, "U+0000"),
        ("store_memories", {"memories": [{"text": "a" * 20_001}]}, "20000 characters"),
        ("store_memories", {"memories": [{"text": "a", "tag": "b"}]}, "tag"),
        ("search_memories", {"query": "x", "namespace": "a\0"}, "U+0000"),
        ("search_memories", {"query": "x", "limit": 1000}, "limit"),
        ("list_memories", {"tags": ["a"] * 21}, "tags"),
    ],
)
def test_a_wrong_call_is_a_tool_error_that_says_what_to_do(
    dsn: str, tool: str, arguments: dict[str, Any], reason: str
) -> None:
    async def run() -> None:
        async with in_process(dsn) as client:
            assert reason in await tool_error(client, tool, arguments)

    asyncio.run(run())


@pytest.mark.parametrize("hostile", HOSTILE)
def test_no_argument_is_a_statement(postgres: PostgresServer, database: str, dsn: str, hostile: str) -> None:
    async def run() -> None:
        async with in_process(dsn) as client:
            await client.call_tool("store_memories", {"memories": [{"text": "kept"}]})
            given = {"memories": [{"text": hostile, "tags": [hostile]}], "namespace": hostile}
            stored: Any = (await client.call_tool("store_memories", given)).structured_content
            (memory,) = stored["memories"]
            assert (memory["text"], memory["tags"], memory["namespace"]) == (hostile, [hostile], hostile)
            where = {"namespace": hostile, "tags": [hostile]}
            for tool, arguments in (
                ("search_memories", {"query": hostile, **where}),
                ("list_memories", where),
                ("update_memory", {"id": memory["id"], "text": hostile, "tags": [hostile]}),
            ):
                result = await client.call_tool(tool, arguments)
                assert not result.is_error, text(result)
            listed: Any = (await client.call_tool("list_memories", where)).structured_content
            assert listed["total"] == 1
            for bad in (hostile, f"1 {hostile}"):
                assert (await client.call_tool("delete_memory", {"id": bad})).is_error
        assert postgres.execute("SELECT count(*) FROM memory", database=database) == [(2,)]

    asyncio.run(run())


def test_the_server_says_when_its_database_is_away_and_goes_on_when_it_is_back() -> None:
    with postgres_server() as postgres:
        postgres.stop()

        async def until_well(client: Client, tool: str, arguments: dict[str, Any]) -> Any:
            end = time.monotonic() + RECOVERY_SECONDS
            while (result := await client.call_tool(tool, arguments)).is_error:
                assert time.monotonic() < end, text(result)
            return result.structured_content

        async def run() -> None:
            async with SERVER.client(DATABASE_URL=postgres.dsn()) as client:
                given = {"memories": [{"text": "apple"}]}
                assert len((await client.list_tools()).tools) == 7, "it starts without its database"
                refused = await tool_error(client, "store_memories", given)
                assert "can't be reached" in refused
                assert "Nothing was changed." in refused
                health: Any = (await client.call_tool("health", {})).structured_content
                assert health["status"] == "degraded"
                assert "can't be reached" in health["components"]["database"]["reason"]
                postgres.start()
                await until_well(client, "store_memories", given)
                postgres.stop()
                refused = await tool_error(client, "search_memories", {"query": "apple"})
                assert "try again in a few seconds" in refused
                postgres.start()
                found = await until_well(client, "search_memories", {"query": "apple"})
                assert [match["memory"]["text"] for match in found["matches"]] == ["apple"]

        asyncio.run(run())


@pytest.mark.parametrize(
    ("environment", "reason"),
    [
        ({}, "DATABASE_URL: Field required"),
        ({"DATABASE_URL": "mysql://u:Pa55-w0rd@h/d"}, "write postgresql://user:password@host:5432/database"),
        ({"DATABASE_URL": "postgresql://h/d", "MCP_DATABASE_CONNECTIONS": "many"}, "MCP_DATABASE_CONNECTIONS"),
        ({"DATABASE_URL": "postgresql://h/d", "MCP_EMBEDDING_URL": "http://h/v1"}, "MCP_EMBEDDING_MODEL"),
    ],
)
def test_wrong_settings_end_the_server_with_a_reason(environment: dict[str, str], reason: str) -> None:
    said = SERVER.refusal(**environment)
    assert reason in said
    assert "Pa55-w0rd" not in said
