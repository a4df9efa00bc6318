from collections.abc import Iterator
from itertools import count

import pytest
from tests.postgres_server import PostgresServer, postgres_server

NUMBERS = count()


@pytest.fixture(scope="session")
def postgres() -> Iterator[PostgresServer]:
    with postgres_server() as server:
        server.execute("CREATE ROLE memory LOGIN PASSWORD 'p w@/:%'")
        yield server


@pytest.fixture
def database(postgres: PostgresServer) -> str:
    """A database of a role that may do nothing else, as the fleet makes them."""
    name = f"memory{next(NUMBERS)}"
    postgres.execute(f"CREATE DATABASE {name} OWNER memory")
    postgres.execute("CREATE EXTENSION vector", database=name)
    return name


@pytest.fixture
def dsn(postgres: PostgresServer, database: str) -> str:
    return postgres.dsn(database, user="memory", password="p%20w%40%2F%3A%25")
