"""A second check, behind the gateway's, of which tools a client may call and see."""

from typing import Final

import msgspec
from mcp_wire import tools
from msgspec import Raw

from .envelope import Envelope, members
from .errors import INTERNAL_ERROR, INVALID_PARAMS, RpcError

CALL: Final = "tools/call"
LIST: Final = "tools/list"


class _Tool(msgspec.Struct):
    name: str


def check(message: Envelope, allowed: frozenset[str]) -> None:
    """Raise RpcError where a client calls a tool that is not its own.

    The params that go on have each name once: a server might read another one of two.
    """
    if message.method != CALL:
        return
    try:
        fields = members(message.params)
        name = msgspec.json.decode(fields["name"], type=str)
    except (KeyError, msgspec.DecodeError, UnicodeDecodeError) as error:
        raise RpcError(INVALID_PARAMS, "Invalid params: the tool's name is missing.") from error
    if name not in allowed:
        raise RpcError(tools.FORBIDDEN, tools.FORBIDDEN_MESSAGE)
    message.params = Raw(msgspec.json.encode(fields))


def narrow(result: bytes, allowed: frozenset[str]) -> bytes:
    """Return the result of tools/list without the tools that its client may not call, and not for others to keep."""
    try:
        fields = members(result)
        listed = msgspec.json.decode(fields["tools"], type=list[Raw])
        kept = [tool for tool in listed if msgspec.json.decode(tool, type=_Tool).name in allowed]
    except (KeyError, msgspec.DecodeError, UnicodeDecodeError) as error:
        raise RpcError(INTERNAL_ERROR, "The server's list of tools is malformed.") from error
    fields["tools"] = Raw(msgspec.json.encode(kept))
    if "cacheScope" in fields:
        fields["cacheScope"] = Raw(b'"private"')
    return msgspec.json.encode(fields)
