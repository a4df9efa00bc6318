"""The event loop that Pulumi's SDK wants outside of any coroutine."""

import asyncio
from functools import cache


def kept_loop() -> asyncio.AbstractEventLoop:
    """Make the one loop of all such tests this thread's, and return it.

    asyncio.run leaves a thread without one, and drops the one that was there: pytest would report that as the fault of
    whichever test comes next.
    """
    loop = _made()
    asyncio.set_event_loop(loop)
    return loop


@cache
def _made() -> asyncio.AbstractEventLoop:
    return asyncio.new_event_loop()
