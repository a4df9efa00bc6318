"""Memories in PostgreSQL: kept, found, changed."""

from collections.abc import Sequence
from datetime import UTC, datetime

from mcp_chassis import ResultCache
from psycopg import AsyncConnection, sql
from psycopg.rows import TupleRow
from psycopg.types.json import Jsonb

from ai_memory.database import Database
from ai_memory.embedding import Embedder, Vector
from ai_memory.memories import Match, Memory, NewMemory, Page, UnknownMemoryError

BATCH = 100
"""Memories that are embedded and inserted at a time."""

CANDIDATES = 100
"""How many of the best by words, and of the best by likeness, are put into one order."""

RANK_CONSTANT = 60
"""Of reciprocal rank fusion, as its authors set it (https://doi.org/10.1145/1571941.1572114)."""

_COLUMNS = sql.SQL("id, namespace, text, tags, created, updated")

_ADD = sql.SQL("""
INSERT INTO memory (namespace, text, tags, embedder, embedding)
SELECT
    %(namespace)s, added.text, ARRAY(SELECT jsonb_array_elements_text(added.tags)), %(embedder)s, added.vector::vector
FROM ROWS FROM (jsonb_to_recordset(%(memories)s) AS (text text, tags jsonb, vector text))
    WITH ORDINALITY AS added(text, tags, vector, number)
ORDER BY added.number
RETURNING {columns}
""").format(columns=_COLUMNS)

# The words of a query are joined by "or"; those that stand in more memories' favour rank first. `replace` is on what
# PostgreSQL itself wrote: lexemes are quoted there, and none contains a space.
_SEARCH = """
WITH query AS (
    SELECT replace(plainto_tsquery('english', %(query)s)::text, ' & ', ' | ')::tsquery AS words
), by_words AS (
    SELECT id, row_number() OVER (ORDER BY ts_rank(memory.words, query.words, 1) DESC, id DESC) AS rank
    FROM memory, query
    WHERE namespace = %(namespace)s AND tags @> %(tags)s::text[] AND memory.words @@ query.words
    ORDER BY rank LIMIT %(candidates)s
), nearest AS MATERIALIZED (
    SELECT id, embedding::vector({dimensions}) <=> %(vector)s::vector AS distance
    FROM memory
    WHERE embedder = {embedder} AND namespace = %(namespace)s AND tags @> %(tags)s::text[]
    ORDER BY embedding::vector({dimensions}) <=> %(vector)s::vector LIMIT %(candidates)s
), by_likeness AS (
    SELECT id, row_number() OVER (ORDER BY distance, id DESC) AS rank FROM nearest WHERE distance <= %(distance)s
), ranked AS (
    SELECT id, sum(1.0 / (%(constant)s + rank)) AS score
    FROM (SELECT * FROM by_words UNION ALL SELECT * FROM by_likeness) AS either
    GROUP BY id ORDER BY score DESC, id DESC LIMIT %(limit)s
)
SELECT {columns}, ranked.score FROM ranked JOIN memory USING (id) ORDER BY ranked.score DESC, id DESC
"""

_OF_KIND = sql.SQL("(%(namespace)s::text IS NULL OR namespace = %(namespace)s) AND tags @> %(tags)s::text[]")
_LIST = sql.SQL("""
SELECT {columns} FROM memory WHERE {of_kind} AND (%(before)s::bigint IS NULL OR id < %(before)s)
ORDER BY id DESC LIMIT %(limit)s
""").format(columns=_COLUMNS, of_kind=_OF_KIND)
_COUNT = sql.SQL("SELECT count(*) FROM memory WHERE {of_kind}").format(of_kind=_OF_KIND)
_GET = sql.SQL("SELECT {columns} FROM memory WHERE id = %s").format(columns=_COLUMNS)
_DELETE = sql.SQL("DELETE FROM memory WHERE id = %s RETURNING {columns}").format(columns=_COLUMNS)
_CHANGE = sql.SQL("""
UPDATE memory SET
    text = coalesce(%(text)s, text), tags = coalesce(%(tags)s::text[], tags),
    embedder = CASE WHEN %(vector)s::text IS NULL THEN embedder ELSE %(embedder)s END,
    embedding = coalesce(%(vector)s::vector, embedding), updated = now()
WHERE id = %(id)s RETURNING {columns}
""").format(columns=_COLUMNS)
_OTHERS = "SELECT id, text FROM memory WHERE embedder <> %s ORDER BY id LIMIT %s FOR UPDATE SKIP LOCKED"
_EMBED_ANEW = """
UPDATE memory SET embedder = %(embedder)s, embedding = anew.vector::vector
FROM unnest(%(ids)s::bigint[], %(vectors)s::text[]) AS anew(id, vector) WHERE memory.id = anew.id
"""
_GENERATION = "SELECT generation FROM namespace WHERE name = %s"


class MemoryStore:
    """The memories of one database. Any number of processes may share it.

    Whatever goes wrong with the database is a DatabaseError.
    """

    def __init__(self, database: Database, embedder: Embedder) -> None:
        self._database = database
        self._embedder = embedder
        self._found: ResultCache[tuple[object, ...], list[Match]] = ResultCache("searches")

    async def add(self, memories: Sequence[NewMemory], *, namespace: str) -> list[Memory]:
        """Keep all of `memories`, or none, and return them in their order. Repeated tags are kept once."""
        batches = [memories[start : start + BATCH] for start in range(0, len(memories), BATCH)]
        vectors = [await self._embedder.embed([memory.text for memory in batch]) for batch in batches]
        added: list[Memory] = []
        async with self._database.transaction() as connection:
            for batch, batch_vectors in zip(batches, vectors, strict=True):
                rows = [
                    {"text": memory.text, "tags": _unique(memory.tags), "vector": _written(vector)}
                    for memory, vector in zip(batch, batch_vectors, strict=True)
                ]
                given = {"namespace": namespace, "embedder": self._embedder.name, "memories": Jsonb(rows)}
                cursor = await connection.execute(_ADD, given)
                added += [_memory(row) for row in await cursor.fetchall()]
        return sorted(added, key=lambda memory: memory.id)

    async def search(self, query: str, *, namespace: str, tags: Sequence[str] = (), limit: int) -> list[Match]:
        """Return memories that have words of `query`, or are like it, and have all of `tags`; the best match first.

        What was found is kept for 300 s, and serves until a memory of the namespace changes, by
        whichever process.
        """
        async with self._database.transaction() as connection:
            # Read first: what the search sees may be newer than this generation, never older.
            key = (namespace, await _generation(connection, namespace), query, tuple(sorted(set(tags))), limit)
        return await self._found.get(key, lambda: self._search(query, namespace=namespace, tags=tags, limit=limit))

    async def _search(self, query: str, *, namespace: str, tags: Sequence[str], limit: int) -> list[Match]:
        (vector,) = await self._embedder.embed([query])
        async with self._database.transaction() as connection:
            # Else the index gives its nearest of all namespaces, few of which may be of this one.
            await connection.execute("SET LOCAL hnsw.iterative_scan = strict_order")
            given = {
                "query": query,
                "vector": _written(vector),
                "namespace": namespace,
                "tags": list(tags),
                "limit": limit,
                "candidates": CANDIDATES,
                "constant": RANK_CONSTANT,
                "distance": 1 - self._embedder.least_similarity,
            }
            rows = await (await connection.execute(self._search_statement(), given)).fetchall()
        return [Match(memory=_memory(row), score=round(float(row[-1]), 6)) for row in rows]

    async def get(self, number: int) -> Memory:
        """Return the memory with this id. Raises UnknownMemoryError where there is none."""
        async with self._database.transaction() as connection:
            row = await (await connection.execute(_GET, (number,))).fetchone()
        return _known(row, number)

    async def newest(
        self, *, namespace: str | None = None, tags: Sequence[str] = (), before: int | None = None, limit: int
    ) -> Page:
        """Return memories with all of `tags`, the newest first, and how many there are.

        Arguments:
            namespace: None for all of them.
            before: return only those with a lower id.
        """
        given = {"namespace": namespace, "tags": list(tags), "before": before, "limit": limit}
        async with self._database.transaction() as connection:
            rows = await (await connection.execute(_LIST, given)).fetchall()
            counted = await (await connection.execute(_COUNT, given)).fetchone()
        return Page(memories=[_memory(row) for row in rows], total=int(counted[0]) if counted else 0)

    async def change(self, number: int, *, text: str | None = None, tags: Sequence[str] | None = None) -> Memory:
        """Give a memory another text, other tags, or both, and return it. Raises UnknownMemoryError."""
        vector = None if text is None else _written((await self._embedder.embed([text]))[0])
        given = {
            "id": number,
            "text": text,
            "tags": None if tags is None else _unique(tags),
            "vector": vector,
            "embedder": self._embedder.name,
        }
        async with self._database.transaction() as connection:
            row = await (await connection.execute(_CHANGE, given)).fetchone()
        return _known(row, number)

    async def delete(self, number: int) -> Memory:
        """Delete a memory and return it. Raises UnknownMemoryError where there is none with this id."""
        async with self._database.transaction() as connection:
            row = await (await connection.execute(_DELETE, (number,))).fetchone()
        return _known(row, number)

    async def embed_anew(self) -> int:
        """Embed the memories that another embedder has embedded, batch by batch, and return how many there were.

        Until then searches find those by their words alone.
        """
        done = 0
        while True:
            async with self._database.transaction() as connection:
                rows = await (await connection.execute(_OTHERS, (self._embedder.name, BATCH))).fetchall()
                if not rows:
                    return done
                vectors = await self._embedder.embed([text for _, text in rows])
                given = {
                    "embedder": self._embedder.name,
                    "ids": [number for number, _ in rows],
                    "vectors": [_written(vector) for vector in vectors],
                }
                await connection.execute(_EMBED_ANEW, given)
            done += len(rows)

    def _search_statement(self) -> sql.Composed:
        # Literals, not parameters: the planner must see that they are those of the embedder's index.
        return sql.SQL(_SEARCH).format(
            dimensions=sql.Literal(self._embedder.dimensions),
            embedder=sql.Literal(self._embedder.name),
            columns=_COLUMNS,
        )


async def _generation(connection: AsyncConnection, namespace: str) -> int:
    row = await (await connection.execute(_GENERATION, (namespace,))).fetchone()
    return int(row[0]) if row else 0


def _unique(tags: Sequence[str]) -> list[str]:
    return list(dict.fromkeys(tags))


def _written(vector: Vector) -> str:
    """Return a vector as pgvector reads it."""
    return f"[{','.join(f'{number:.7g}' for number in vector)}]"


def _known(row: TupleRow | None, number: int) -> Memory:
    if row is None:
        raise UnknownMemoryError(number)
    return _memory(row)


def _memory(row: TupleRow) -> Memory:
    number, namespace, text, tags, created, updated, *_ = row
    return Memory(number, namespace, text, tags, _time(created), _time(updated))


def _time(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat(timespec="milliseconds")
