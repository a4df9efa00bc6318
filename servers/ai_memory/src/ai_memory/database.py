"""The PostgreSQL database: a pool of connections, and its schema."""

import asyncio
import hashlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from importlib import resources

import psycopg
import structlog
from mcp_chassis import Component, Status
from psycopg import AsyncConnection, sql
from psycopg.conninfo import conninfo_to_dict
from psycopg_pool import AsyncConnectionPool, PoolTimeout

from ai_memory.embedding import Embedder

CONNECTIONS = 8
WAIT_SECONDS = 4.0
"""How long a call waits for a connection, and an attempt to connect for the server."""

STATEMENT_MILLISECONDS = 30_000
MIGRATION_LOCK = 0x6D656D6F7279
"""Key of the advisory lock under which the schema is changed, by one process at a time."""

_MIGRATION_TABLE = """
CREATE TABLE IF NOT EXISTS schema_migration (
    name text PRIMARY KEY, applied timestamptz NOT NULL DEFAULT now()
)
"""

_log = structlog.get_logger(__name__)


class DatabaseError(Exception):
    """The database can't do what was asked. The message says what to do, and has no password in it."""


class DatabaseAwayError(DatabaseError):
    """The database can't be reached, so that nothing was asked of it."""


class DatabaseLostError(DatabaseError):
    """The connection was lost on the way: a change may have been made, or not."""


def check_dsn(dsn: str) -> None:
    """Raise ValueError where `dsn` is no PostgreSQL connection string. The message does not quote it."""
    try:
        parts = conninfo_to_dict(dsn)
    except (psycopg.ProgrammingError, UnicodeError):
        parts = {}
    if not parts.get("host") or "\0" in dsn:
        # Not `from error`: libpq's message quotes what it could not read, which may be the password.
        raise ValueError("is no PostgreSQL connection string; write postgresql://user:password@host:5432/database")


class Database:
    """Connections to one database, whose schema is brought up to date before the first use.

    The database may be away at any time, also at the start: then calls raise DatabaseAwayError until it is back.
    """

    def __init__(self, dsn: str, embedder: Embedder, *, connections: int = CONNECTIONS) -> None:
        """Raises ValueError where `dsn` is no PostgreSQL connection string."""
        check_dsn(dsn)
        self._embedder = embedder
        self._prepared = False
        self._preparing = asyncio.Lock()
        self._pool = AsyncConnectionPool(
            dsn,
            min_size=1,
            max_size=connections,
            open=False,
            timeout=WAIT_SECONDS,
            # Given up early, for the next call starts the next attempt; later ones would wait longer and longer.
            reconnect_timeout=WAIT_SECONDS,
            check=AsyncConnectionPool.check_connection,
            name="ai-memory",
            kwargs={
                "application_name": "ai-memory",
                "connect_timeout": int(WAIT_SECONDS),
                "options": f"-c statement_timeout={STATEMENT_MILLISECONDS}",
            },
        )

    async def open(self) -> None:
        """Begin to connect. Does not wait for the database."""
        await self._pool.open(wait=False)

    async def close(self) -> None:
        """Close all connections."""
        await self._pool.close()

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[AsyncConnection]:
        """Give a connection in a transaction, which is committed at the end unless something is raised.

        Raises:
            DatabaseAwayError: There is no connection to be had.
            DatabaseLostError: It was lost on the way.
            DatabaseError: The database is full, shuts down, refuses the schema, or needs longer than a statement may.
        """
        try:
            connection = await self._pool.getconn()
        except PoolTimeout as error:
            raise DatabaseAwayError(
                "the database can't be reached, or is too busy; try again in a few seconds"
            ) from error
        try:
            await self._prepare(connection)
            async with connection.transaction():
                yield connection
        except psycopg.Error as error:
            raise _translated(error, connection) from error
        finally:
            await self._pool.putconn(connection)

    async def check(self) -> Component:
        """Return how the database is."""
        try:
            async with self.transaction():
                return Component()
        except DatabaseError as error:
            return Component(status=Status.UNHEALTHY, reason=str(error))

    async def _prepare(self, connection: AsyncConnection) -> None:
        """Bring the schema up to date, once."""
        if self._prepared:
            return
        async with self._preparing:
            if not self._prepared:
                async with connection.transaction():
                    await migrate(connection, self._embedder)
                self._prepared = True


async def migrate(connection: AsyncConnection, embedder: Embedder) -> list[str]:
    """Apply the migrations that are missing, in a transaction of the caller's, and return their names.

    Processes that start at the same time wait for each other. Raises DatabaseError where the database has migrations
    that this release does not know, or where the role may not create what they need.
    """
    await connection.execute("SELECT pg_advisory_xact_lock(%s)", (MIGRATION_LOCK,))
    await connection.execute(_MIGRATION_TABLE)
    rows = await (await connection.execute("SELECT name FROM schema_migration")).fetchall()
    applied = {str(name) for (name,) in rows}
    known = migrations()
    if foreign := sorted(applied - known.keys()):
        raise DatabaseError(
            f"the database was migrated by a newer release of ai-memory ({foreign[-1]}); "
            "whoever runs this server must update it"
        )
    missing = [name for name in known if name not in applied]
    for name in missing:
        try:
            # Without parameters it is sent as it is, all statements of a file at once.
            await connection.execute(known[name].encode())
        except psycopg.errors.InsufficientPrivilege as error:
            raise DatabaseError(
                f"the migration {name} is not allowed to the server's role; whoever runs the database must once run "
                "CREATE EXTENSION vector in it as its owner, and give the role CREATE on the schema"
            ) from error
        await connection.execute("INSERT INTO schema_migration (name) VALUES (%s)", (name,))
        _log.info("database_migrated", migration=name)
    await connection.execute(_vector_index(embedder))
    return missing


def migrations() -> dict[str, str]:
    """Return the statements of each migration by its name, in their order."""
    files = (file for file in (resources.files("ai_memory") / "migrations").iterdir() if file.name.endswith(".sql"))
    return {file.name: file.read_text(encoding="utf-8") for file in sorted(files, key=lambda file: file.name)}


def _vector_index(embedder: Embedder) -> sql.Composed:
    """Return the statement that makes the index of an embedder's vectors, unless there is one.

    Source: https://github.com/pgvector/pgvector#frequently-asked-questions (vectors of different dimensions).
    """
    # Hashed, for PostgreSQL cuts names to 63 letters.
    name = f"memory_like_{hashlib.sha256(embedder.name.encode()).hexdigest()[:12]}"
    return sql.SQL(
        "CREATE INDEX IF NOT EXISTS {} ON memory "
        "USING hnsw ((embedding::vector({})) vector_cosine_ops) WHERE embedder = {}"
    ).format(sql.Identifier(name), sql.Literal(embedder.dimensions), sql.Literal(embedder.name))


def _translated(error: psycopg.Error, connection: AsyncConnection) -> DatabaseError:
    if connection.broken or connection.closed:
        return DatabaseLostError("the connection to the database was lost; try again in a few seconds")
    if isinstance(error, psycopg.errors.QueryCanceled):
        seconds = STATEMENT_MILLISECONDS // 1000
        return DatabaseError(f"the database needed more than {seconds} s and stopped; ask for less at a time")
    reason = error.diag.message_primary or type(error).__name__
    return DatabaseError(f"the database refuses: {reason}; whoever runs this server must look into it")
