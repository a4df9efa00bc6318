"""What PostgreSQL is told about its roles, by a real PostgreSQL."""

import base64
from collections.abc import Iterator, Mapping

import psycopg
import pytest

from components.postgres import access, role, roles, url
from tests.postgres_server import PostgresServer, postgres_server

from . import examples
from .recording_engine import deploy, is_secret


@pytest.fixture(scope="module")
def server() -> Iterator[PostgresServer]:
    with postgres_server() as started:
        yield started


def apply(server: PostgresServer, passwords: Mapping[str, str]) -> None:
    server.run_script(roles(passwords))


def connect(server: PostgresServer, name: str, password: str, database: str | None = None) -> psycopg.Connection:
    known = url("127.0.0.1", name, password).replace(":5432/", f":{server.port}/")
    return psycopg.connect(known, dbname=database or role(name))


def test_a_server_owns_a_database_with_pgvector_and_reaches_no_other(server: PostgresServer) -> None:
    apply(server, {"notes": "one", "other-notes": "two"})
    with connect(server, "notes", "one") as connection:
        connection.execute("CREATE TABLE kept AS SELECT '[1,2]'::vector AS it")
        powers = "rolsuper OR rolcreatedb OR rolcreaterole OR rolreplication"
        rights = connection.execute(f"SELECT {powers} FROM pg_roles WHERE rolname = current_user".encode())
        assert rights.fetchone() == (False,)
    for database in ("mcp-notes", "mcp-other-notes"):
        with pytest.raises(psycopg.OperationalError):
            connect(server, "other-notes", "one", database)
    with pytest.raises(psycopg.OperationalError, match="permission denied for database"):
        connect(server, "other-notes", "two", "mcp-notes")


def test_it_is_told_again_with_another_password_and_keeps_the_data(server: PostgresServer) -> None:
    apply(server, {"rotated": "old"})
    with connect(server, "rotated", "old") as connection:
        connection.execute("CREATE TABLE kept AS SELECT 7 AS number")
    apply(server, {"rotated": "new"})
    with pytest.raises(psycopg.OperationalError, match="password authentication failed"):
        connect(server, "rotated", "old")
    with connect(server, "rotated", "new") as connection:
        assert connection.execute("SELECT number FROM kept").fetchone() == (7,)


def test_a_server_that_has_no_database_any_more_is_shut_out_and_finds_its_data_when_it_is_back(
    server: PostgresServer,
) -> None:
    apply(server, {"gone": "password"})
    with connect(server, "gone", "password") as connection:
        connection.execute("CREATE TABLE kept AS SELECT 7 AS number")
    apply(server, {})
    with pytest.raises(psycopg.OperationalError, match="not permitted to log in"):
        connect(server, "gone", "password")
    apply(server, {"gone": "password"})
    with connect(server, "gone", "password") as connection:
        assert connection.execute("SELECT number FROM kept").fetchone() == (7,)


def test_nobody_comes_from_the_network_as_the_owner_of_all() -> None:
    rules = [line.split() for line in access().splitlines()]
    assert rules == [
        ["local", "all", "all", "trust"],
        ["host", "all", "fleet_operator", "all", "reject"],
        ["host", "sameuser", "all", "all", "scram-sha-256"],
    ]


def test_passwords_are_in_secrets_alone() -> None:
    engine, outputs = deploy(examples.postgres)
    script = engine.one("docker:index/secret:Secret", "database-roles").inputs["data"]["value"]
    assert examples.SECRETS["database password"] in base64.b64decode(script).decode()
    (own,) = (values for urn, values in outputs.items() if urn.endswith("Postgres::database"))
    assert is_secret(own["urls"])
