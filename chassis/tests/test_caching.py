import asyncio

import pytest
from mcp_chassis import ResultCache, batches


def test_equal_lookups_compute_once_and_errors_are_not_kept() -> None:
    cache: ResultCache[str, int] = ResultCache("test-once")
    computed: list[str] = []

    async def compute() -> int:
        computed.append("x")
        await asyncio.sleep(0)
        if len(computed) == 1:
            raise ConnectionError
        return 7

    async def run() -> None:
        with pytest.raises(ConnectionError):
            await cache.get("a", compute)
        assert await asyncio.gather(*(cache.get("a", compute) for _ in range(5))) == [7] * 5
        assert len(computed) == 2
        cache.forget()
        await cache.get("a", compute)
        assert len(computed) == 3

    asyncio.run(run())


def test_the_least_recently_used_goes_first() -> None:
    cache: ResultCache[str, str] = ResultCache("test-lru", entries=2)
    computed: list[str] = []

    async def get(key: str) -> str:
        async def compute() -> str:
            computed.append(key)
            return key

        return await cache.get(key, compute)

    async def run() -> None:
        for key in "abacab":
            await get(key)

    asyncio.run(run())
    assert computed == ["a", "b", "c", "b"]


def test_a_result_is_not_older_than_its_time() -> None:
    cache: ResultCache[str, int] = ResultCache("test-ttl", seconds=0)
    numbers = iter(range(9))

    async def compute() -> int:
        return next(numbers)

    async def run() -> list[int]:
        return [await cache.get("a", compute) for _ in range(2)]

    assert asyncio.run(run()) == [0, 1]


def test_calls_of_one_moment_are_one_batch_of_a_hundred_at_most() -> None:
    sizes: list[int] = []

    async def double(items: list[int]) -> list[int]:
        sizes.append(len(items))
        return [item * 2 for item in items]

    async def run() -> None:
        loader = batches("test-double", double)
        assert await asyncio.gather(*(loader.load(item) for item in range(250))) == [item * 2 for item in range(250)]
        assert sizes == [100, 100, 50]
        assert await loader.load(1) == 2
        assert sizes[3:] == [1], "nothing is kept"

    asyncio.run(run())


def test_each_call_of_a_failed_batch_fails() -> None:
    async def fail(_: list[int]) -> list[int]:
        raise ConnectionError("gone")

    async def run() -> None:
        loader = batches("test-fail", fail)
        found = await asyncio.gather(loader.load(1), loader.load(2), return_exceptions=True)
        assert [type(error) for error in found] == [ConnectionError] * 2

    asyncio.run(run())
