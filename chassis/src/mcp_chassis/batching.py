"""Work that is cheaper together: calls that come at the same moment become one."""

from collections.abc import Awaitable, Callable
from typing import Final, TypeVar

from aiodataloader import DataLoader

from .metrics import BATCH_ITEMS

ITEMS: Final = 100

KeyT = TypeVar("KeyT")
ValueT = TypeVar("ValueT")


def batches(
    name: str, work: Callable[[list[KeyT]], Awaitable[list[ValueT]]], *, items: int = ITEMS
) -> DataLoader[KeyT, ValueT]:
    """Return what collects calls of `load` and `load_many`, and has `work` do up to `items` of them at a time.

    To be called where the event loop runs. Nothing is kept: see ResultCache for that.

    Arguments:
        name: a label of the metric.
        work: returns one result for each item, in their order. What it raises, each of the calls raises.
    """
    sizes = BATCH_ITEMS.labels(name)

    async def counted(keys: list[KeyT]) -> list[ValueT]:
        sizes.observe(len(keys))
        return await work(keys)

    return DataLoader(counted, max_batch_size=items, cache=False)
