"""Messages that no client and no server should send, drawn at random: JSON-RPC taken apart and put together wrongly."""

import json
from typing import Any

from hypothesis import strategies as st

METHODS = [
    "ping",
    "tools/list",
    "tools/call",
    "prompts/get",
    "resources/read",
    "logging/setLevel",
    "server/discover",
    "sampling/createMessage",
    "notifications/cancelled",
    "notifications/progress",
    "notifications/message",
    "notifications/tools/list_changed",
    "notifications/resources/updated",
    "",
    "a\u2028b",
]
ODD = [
    "1e400",
    "-0.0",
    "9" * 5000,
    "1e-400",
    '"\\ud800"',
    '"\\udc00\\ud800"',
    '"\\u0000"',
    '"' + "x" * 5000 + '"',
    "[" * 127 + "]" * 127,
    "[" * 990 + "]" * 990,
    '{"a":' * 990 + "1" + "}" * 990,
    "[" * 3000,
    '{"a":1,"a":2}',
    "NaN",
    "01",
    "tru",
    "{",
    '"\t"',
    "",
]
"""Values as text: much of it is no JSON, and some of it is JSON that readers don't agree on."""

WORDS = st.sampled_from([*METHODS, "name", "uri", "_meta", "text", "progressToken", "requestId", "level", "params"])
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8) | WORDS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(WORDS | st.text(max_size=4), inner, max_size=3),
    max_leaves=6,
)
TEXTS = VALUES.map(json.dumps) | st.sampled_from(ODD)
MEMBERS = st.tuples(
    st.sampled_from(["jsonrpc", "id", "method", "params", "result", "error", "\\u0069d", "x"]),
    TEXTS | st.sampled_from(['"2.0"', *(json.dumps(method) for method in METHODS)]),
)


def together(members: list[tuple[str, str]], spaced: bool) -> str:
    """Return the text of an object, members in their order, whatever they are and however often they come."""
    comma, colon = (" ,\n", " :\t") if spaced else (",", ":")
    return "{" + comma.join(f'"{name}"{colon}{value}' for name, value in members) + "}"


def sound(number: Any, method: str, params: Any) -> list[tuple[str, str]]:
    message = [("jsonrpc", '"2.0"'), ("id", json.dumps(number)), ("method", json.dumps(method))]
    return [*message, ("params", json.dumps(params))]


SOUND = st.builds(
    sound, st.integers() | st.text(max_size=8), st.sampled_from(METHODS), st.dictionaries(WORDS, VALUES, max_size=3)
)
SPOILED = st.tuples(SOUND, st.lists(MEMBERS, max_size=2), st.booleans()).flatmap(
    lambda drawn: st.permutations(drawn[0] + drawn[1]).map(lambda members: together(members, drawn[2]))
)
ENCODED = st.tuples(SPOILED, st.sampled_from(["utf-8"] * 6 + ["utf-8-sig", "utf-16", "latin-1"])).map(
    lambda drawn: drawn[0].encode(drawn[1], errors="surrogatepass" if drawn[1].startswith("utf") else "replace")
)
CUT = st.tuples(ENCODED, st.integers(0, 400), st.binary(max_size=3)).map(
    lambda drawn: drawn[0][: drawn[1]] + drawn[2] + drawn[0][drawn[1] + len(drawn[2]) :]
)
MESSAGES = ENCODED | CUT | st.binary(max_size=60)
