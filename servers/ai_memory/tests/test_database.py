import asyncio
import traceback

import psycopg
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.postgres_server import PostgresServer

from ai_memory.database import Database, DatabaseAwayError, DatabaseError, check_dsn, migrate, migrations
from ai_memory.embedding import LetterEmbedder

SECRET = "Pa55-w0rd"


async def use(dsn: str) -> None:
    database = Database(dsn, LetterEmbedder())
    await database.open()
    try:
        async with database.transaction():
            pass
    finally:
        await database.close()


def test_processes_that_start_together_migrate_the_database_once(postgres: PostgresServer, dsn: str) -> None:
    async def run() -> None:
        await asyncio.gather(*(use(dsn) for _ in range(6)))

    asyncio.run(run())
    with psycopg.connect(dsn) as connection:
        applied = connection.execute("SELECT name FROM schema_migration ORDER BY name").fetchall()
    assert [name for (name,) in applied] == list(migrations())


def test_migrations_are_applied_in_their_order_and_not_again(dsn: str) -> None:
    async def run() -> None:
        async with await psycopg.AsyncConnection.connect(dsn) as connection:
            assert await migrate(connection, LetterEmbedder()) == ["0001-memories.sql", "0002-generations.sql"]
            assert await migrate(connection, LetterEmbedder()) == []

    asyncio.run(run())


def test_a_database_of_a_newer_release_is_left_alone(dsn: str) -> None:
    asyncio.run(use(dsn))
    with psycopg.connect(dsn) as connection:
        connection.execute("INSERT INTO schema_migration (name) VALUES ('9999-later.sql')")
    with pytest.raises(DatabaseError, match=r"newer release of ai-memory \(9999-later\.sql\)"):
        asyncio.run(use(dsn))


def test_a_database_without_pgvector_says_who_must_do_what(postgres: PostgresServer) -> None:
    postgres.execute("CREATE DATABASE bare OWNER memory")
    with pytest.raises(DatabaseError, match="CREATE EXTENSION vector"):
        asyncio.run(use(postgres.dsn("bare", user="memory", password="p%20w%40%2F%3A%25")))


def test_a_wrong_password_is_no_connection_and_is_not_repeated(
    postgres: PostgresServer, database: str, caplog: pytest.LogCaptureFixture
) -> None:
    with pytest.raises(DatabaseAwayError) as raised:
        asyncio.run(use(postgres.dsn(database, user="memory", password=SECRET)))
    assert 'password authentication failed for user "memory"' in caplog.text
    assert SECRET not in caplog.text + str(raised.value) + str(raised.value.__cause__)


@pytest.mark.parametrize(
    "dsn", ["", "mysql://u:Pa55-w0rd@h/d", "postgresql://u:Pa55-w0rd@[h/d", "host=h password='Pa55-w0rd", "dbname=d"]
)
def test_what_is_no_connection_string_is_refused_without_being_quoted(dsn: str) -> None:
    with pytest.raises(ValueError, match=r"postgresql://user:password@host:5432/database") as raised:
        check_dsn(dsn)
    assert SECRET not in str(raised.value)


@given(st.text(max_size=50), st.text(max_size=50))
def test_nothing_of_a_wrong_connection_string_is_told(before: str, after: str) -> None:
    told = ""
    try:
        check_dsn(before + SECRET + after)
    except ValueError as error:
        told = "".join(traceback.format_exception(error))
    assert SECRET not in told
