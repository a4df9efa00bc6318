"""The bridge with mistakes in it, each of which quotes what a client sent: what a real one would leave in the log.

Run as `python -m mcp_bridge` is. A request whose params have `at-the-request` in them meets one where it is taken and
one in a callback of the loop; a result that has `at-the-answer` in it meets one where it is heard.
"""

import asyncio
import os
from typing import Any

from mcp_bridge.command import main
from mcp_bridge.core.link import Link
from mcp_bridge.core.switchboard import Switchboard

take, hear = Switchboard.request, Link.heard


class MistakeError(Exception):
    """A mistake that nobody foresaw."""


def quote(what: Any) -> None:
    """Raise an error that quotes all there is, from another that does so too."""
    try:
        {}[repr(what), str(os.environ)]
    except KeyError as error:
        raise MistakeError(f"{what!r} was not foreseen") from error


def mistaken_request(self: Switchboard, link: Link, caller: Any, message: Any, exchange: Any) -> Any:
    if b"at-the-request" in bytes(message.params):
        asyncio.get_running_loop().call_soon(quote, bytes(message.params))
        quote(bytes(message.params))
    return take(self, link, caller, message, exchange)


def mistaken_answer(self: Link, message: Any) -> None:
    if b"at-the-answer" in bytes(message.result):
        quote(bytes(message.result))
    hear(self, message)


if __name__ == "__main__":
    Switchboard.request = mistaken_request  # type: ignore[method-assign]
    Link.heard = mistaken_answer  # type: ignore[method-assign]
    main()
