import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.postgres_server import PostgresServer

from ai_memory.database import Database
from ai_memory.embedding import LetterEmbedder, Vector
from ai_memory.memories import Match, NewMemory, UnknownMemoryError
from ai_memory.store import MemoryStore

TEXTS = (
    "The kubernetes cluster is upgraded on the first Monday of a month.",
    "Anna prefers short answers.",
    "Invoices are paid within 30 days.",
)


class CountingEmbedder(LetterEmbedder):
    """Counts what it embeds."""

    def __init__(self) -> None:
        self.batches: list[int] = []

    async def embed(self, texts: Sequence[str]) -> list[Vector]:
        self.batches.append(len(texts))
        return await super().embed(texts)


class OtherEmbedder(LetterEmbedder):
    """Makes vectors that are compared with those of its kind alone."""

    name = "other-kind"


@asynccontextmanager
async def opened(dsn: str, embedder: LetterEmbedder | None = None) -> AsyncIterator[MemoryStore]:
    embedder = embedder or LetterEmbedder()
    database = Database(dsn, embedder)
    await database.open()
    try:
        yield MemoryStore(database, embedder)
    finally:
        await database.close()


def with_store(dsn: str, work: Callable[[MemoryStore], Awaitable[None]]) -> None:
    async def run() -> None:
        async with opened(dsn) as store:
            await work(store)

    asyncio.run(run())


async def remember(
    store: MemoryStore, *texts: str, namespace: str = "default", tags: tuple[str, ...] = ()
) -> list[int]:
    added = await store.add([NewMemory(text, tags) for text in texts], namespace=namespace)
    return [memory.id for memory in added]


def texts(matches: list[Match]) -> list[str]:
    return [match.memory.text for match in matches]


def test_memories_outlive_the_process_that_stored_them(dsn: str) -> None:
    async def run() -> None:
        async with opened(dsn) as store:
            (added,) = await store.add([NewMemory("buy milk", ("shop", "shop", "home"))], namespace="family")
        async with opened(dsn) as store:
            assert await store.get(added.id) == added
        assert (added.text, added.tags, added.namespace) == ("buy milk", ["shop", "home"], "family")

    asyncio.run(run())


def test_many_memories_keep_their_order_and_are_stored_by_the_hundred(dsn: str) -> None:
    async def run() -> None:
        embedder = CountingEmbedder()
        async with opened(dsn, embedder) as store:
            ids = await remember(store, *(f"number {number}" for number in range(250)))
            assert embedder.batches == [100, 100, 50]
            page = await store.newest(limit=3)
            assert [memory.text for memory in page.memories] == ["number 249", "number 248", "number 247"]
            assert page.total == 250
            older = await store.newest(before=page.memories[-1].id, limit=1)
            assert [memory.text for memory in older.memories] == ["number 246"]
            assert ids == sorted(ids)

    asyncio.run(run())


@pytest.mark.parametrize(
    ("query", "first"),
    [
        ("when will the cluster be upgraded?", 0),  # by some of its words
        ("upgrading clusters", 0),  # by other forms of them
        ("kubernettes", 0),  # misspelt
        ("answer", 1),
        ("invoicing", 2),
    ],
)
def test_a_search_finds_words_forms_of_words_and_misspellings(dsn: str, query: str, first: int) -> None:
    async def work(store: MemoryStore) -> None:
        await remember(store, *TEXTS)
        assert texts(await store.search(query, namespace="default", limit=5))[0] == TEXTS[first]

    with_store(dsn, work)


def test_a_search_finds_nothing_where_nothing_is_alike(dsn: str) -> None:
    async def work(store: MemoryStore) -> None:
        await remember(store, *TEXTS)
        for query in ("zebra", "!!!"):
            assert await store.search(query, namespace="default", limit=5) == []

    with_store(dsn, work)


def test_namespaces_and_tags_narrow_a_search_and_a_list(dsn: str) -> None:
    async def work(store: MemoryStore) -> None:
        await remember(store, "red apple", namespace="a", tags=("fruit", "red"))
        await remember(store, "green apple", namespace="a", tags=("fruit",))
        await remember(store, "apple pie", namespace="b", tags=("fruit", "red"))
        assert texts(await store.search("apple", namespace="a", tags=["red", "fruit"], limit=5)) == ["red apple"]
        assert len(await store.search("apple", namespace="a", limit=5)) == 2
        assert (await store.newest(namespace="a", limit=5)).total == 2
        assert (await store.newest(tags=["red"], limit=5)).total == 2
        assert (await store.newest(namespace="c", limit=5)).total == 0

    with_store(dsn, work)


def test_a_namespace_is_searched_whole_beside_a_much_larger_one(dsn: str) -> None:
    async def work(store: MemoryStore) -> None:
        await remember(store, *(f"kubernetes note {number}" for number in range(600)), namespace="large")
        await remember(store, "kuberneteses here and there", namespace="small")
        assert len(await store.search("kubernettes", namespace="small", limit=5)) == 1

    with_store(dsn, work)


def test_a_search_that_is_repeated_is_answered_from_the_cache_until_something_changes(dsn: str) -> None:
    async def run() -> None:
        embedder = CountingEmbedder()
        async with opened(dsn, embedder) as store, opened(dsn) as elsewhere:
            (number,) = await remember(store, "red apple")
            for _ in range(3):
                assert texts(await store.search("apple", namespace="default", limit=5)) == ["red apple"]
            assert embedder.batches == [1, 1]
            await elsewhere.change(number, text="green apple")
            assert texts(await store.search("apple", namespace="default", limit=5)) == ["green apple"]
            await elsewhere.delete(number)
            assert await store.search("apple", namespace="default", limit=5) == []
            await remember(elsewhere, "apple pie")
            assert texts(await store.search("apple", namespace="default", limit=5)) == ["apple pie"]
            embedded = len(embedder.batches)
            await remember(elsewhere, "apples", namespace="other")
            assert texts(await store.search("apple", namespace="default", limit=5)) == ["apple pie"]
            assert len(embedder.batches) == embedded, "a change of another namespace leaves what was kept"

    asyncio.run(run())


def test_a_memory_changes_its_text_its_tags_or_both(dsn: str) -> None:
    async def work(store: MemoryStore) -> None:
        (number,) = await remember(store, "red apple", tags=("fruit",))
        changed = await store.change(number, text="yellow banana")
        assert (changed.text, changed.tags) == ("yellow banana", ["fruit"])
        assert (await store.change(number, tags=[])).tags == []
        assert texts(await store.search("bananas", namespace="default", limit=5)) == ["yellow banana"]
        assert await store.search("apple", namespace="default", limit=5) == []
        assert changed.updated >= changed.created

    with_store(dsn, work)


def test_an_unknown_memory_is_no_memory(dsn: str) -> None:
    async def work(store: MemoryStore) -> None:
        for call in (store.get(7), store.delete(7), store.change(7, text="x")):
            with pytest.raises(UnknownMemoryError):
                await call

    with_store(dsn, work)


def test_memories_of_another_embedder_are_found_by_words_and_then_embedded_anew(dsn: str) -> None:
    async def run() -> None:
        async with opened(dsn, OtherEmbedder()) as store:
            await remember(store, *TEXTS, *(f"number {number}" for number in range(120)))
        async with opened(dsn) as store:
            assert texts(await store.search("cluster", namespace="default", limit=5)) == [TEXTS[0]]
            assert await store.search("kubernettes", namespace="default", limit=5) == []
            assert await store.embed_anew() == 123
            assert await store.embed_anew() == 0
            assert texts(await store.search("kubernettes", namespace="default", limit=5))[0] == TEXTS[0]

    asyncio.run(run())


def test_the_nearest_are_found_with_the_index_of_their_embedder(dsn: str) -> None:
    async def run() -> None:
        embedder = LetterEmbedder()
        database = Database(dsn, embedder)
        await database.open()
        store = MemoryStore(database, embedder)
        (vector,) = await embedder.embed(["x"])
        given = {
            "query": "x", "vector": str(vector), "namespace": "n", "tags": [], "limit": 5,
            "candidates": 5, "constant": 60, "distance": 0.8,
        }  # fmt: skip
        async with database.transaction() as connection:
            await connection.execute("SET LOCAL enable_seqscan = off")
            await connection.execute("SET LOCAL enable_sort = off")
            await connection.execute("SET LOCAL enable_bitmapscan = off")
            explained = await connection.execute(b"EXPLAIN " + store._search_statement().as_bytes(connection), given)
            plan = "\n".join(str(line) for (line,) in await explained.fetchall())
        await database.close()
        assert "memory_like_" in plan, plan

    asyncio.run(run())


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(text=st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), min_size=1, max_size=300))
def test_any_text_is_kept_as_it_is_and_can_be_searched_for(postgres: PostgresServer, dsn: str, text: str) -> None:
    async def work(store: MemoryStore) -> None:
        (added,) = await store.add([NewMemory(text, (text,))], namespace=text)
        assert (added.text, added.tags, added.namespace) == (text, [text], text)
        await store.search(text, namespace=text, tags=[text], limit=5)
        assert await store.delete(added.id) == added

    with_store(dsn, work)
