"""Which results serve again, whom, and for how long."""

import json
from typing import Any

import pytest
from mcp_bridge.core.envelope import decode
from mcp_bridge.core.result_cache import ENTRIES, ENTRY_BYTES, TOTAL_BYTES, Key, ResultCache
from msgspec import Raw

REPEATABLE = frozenset({"look"})
RESULT = Raw(b'{"content":[]}')


class Clock:
    """Seconds that pass when a test says so."""

    def __init__(self) -> None:
        self.now = 0.0
        self.hits: list[str] = []
        self.cache = ResultCache(lambda: self.now, self.hits.append, lambda: REPEATABLE)

    def key(self, method: str, params: dict[str, Any] | None = None, client: str = "codex") -> Key | None:
        message = {"jsonrpc": "2.0", "id": 1, "method": method, "params": params or {}}
        return self.cache.key(decode(json.dumps(message).encode()), client)

    def must(self, method: str, params: dict[str, Any] | None = None, client: str = "codex") -> Key:
        found = self.key(method, params, client)
        assert found is not None
        return found


@pytest.fixture
def clock() -> Clock:
    return Clock()


LOOK = {"name": "look", "arguments": {"at": 1}}


def test_a_result_serves_the_same_request_whatever_its_meta_and_the_order_of_its_members(clock: Clock) -> None:
    clock.cache.keep(clock.must("tools/call", {**LOOK, "_meta": {"progressToken": 1}}), RESULT)
    again = {"arguments": {"at": 1}, "_meta": {"progressToken": 2}, "name": "look"}
    assert clock.cache.find(clock.must("tools/call", again)) == RESULT
    assert clock.hits == ["tools/call"]
    assert clock.cache.find(clock.must("tools/call", {"name": "look", "arguments": {"at": 2}})) is None


def test_a_list_serves_every_client_and_a_tool_only_its_own(clock: Clock) -> None:
    clock.cache.keep(clock.must("tools/list"), Raw(b'{"tools":[]}'))
    clock.cache.keep(clock.must("tools/call", LOOK), RESULT)
    assert clock.cache.find(clock.must("tools/list", client="other")) is not None
    assert clock.cache.find(clock.must("tools/call", LOOK, client="other")) is None


@pytest.mark.parametrize(
    ("method", "params"),
    [
        ("tools/call", {"name": "write"}),
        ("tools/call", {}),
        ("tools/call", {"name": 7}),
        ("resources/read", {"uri": "test://one"}),
        ("prompts/get", {"name": "look"}),
        ("completion/complete", {}),
    ],
)
def test_what_may_change_something_or_be_changed_is_not_kept(clock: Clock, method: str, params: dict[str, Any]) -> None:
    assert clock.key(method, params) is None


@pytest.mark.parametrize(
    "result",
    [
        b'{"content":[],"isError":true}',
        b'{"resultType":"input_required"}',
        b'{"content":"' + b"x" * ENTRY_BYTES + b'"}',
        b"[]",
    ],
)
def test_errors_and_interim_and_large_results_are_not_kept(clock: Clock, result: bytes) -> None:
    clock.cache.keep(clock.must("tools/call", LOOK), Raw(result))
    assert len(clock.cache) == clock.cache.bytes == 0


@pytest.mark.parametrize(("result", "seconds"), [(b'{"tools":[]}', 300), (b'{"tools":[],"ttlMs":2000}', 2)])
def test_a_result_serves_for_five_minutes_or_as_long_as_its_server_says(
    clock: Clock, result: bytes, seconds: int
) -> None:
    clock.cache.keep(clock.must("tools/list"), Raw(result))
    clock.now = seconds - 0.1
    assert clock.cache.find(clock.must("tools/list")) is not None
    clock.now = seconds
    assert clock.cache.find(clock.must("tools/list")) is None
    assert clock.cache.bytes == 0


@pytest.mark.parametrize(
    ("notification", "stale"),
    [
        ("notifications/tools/list_changed", {"tools/list", "tools/call"}),
        ("notifications/prompts/list_changed", {"prompts/list"}),
        ("notifications/resources/list_changed", {"resources/list", "resources/templates/list"}),
    ],
)
def test_a_changed_list_makes_stale_what_hangs_on_it(clock: Clock, notification: str, stale: set[str]) -> None:
    asked: dict[str, dict[str, Any]] = {
        "tools/list": {},
        "tools/call": LOOK,
        "prompts/list": {},
        "resources/list": {},
        "resources/templates/list": {},
    }
    for method, params in asked.items():
        clock.cache.keep(clock.must(method, params), RESULT)
    clock.cache.changed(notification)
    left = {method for method, params in asked.items() if clock.cache.find(clock.must(method, params)) is not None}
    assert left == asked.keys() - stale


def test_an_answer_that_was_under_way_when_its_list_changed_is_not_kept(clock: Clock) -> None:
    asked = clock.must("tools/list")
    clock.cache.changed("notifications/tools/list_changed")
    clock.cache.keep(asked, RESULT)
    assert clock.cache.find(clock.must("tools/list")) is None
    asked = clock.must("prompts/list")
    clock.cache.clear()
    clock.cache.keep(asked, RESULT)
    assert len(clock.cache) == 0


def test_what_is_kept_is_bounded_and_the_least_used_gives_way(clock: Clock) -> None:
    first = clock.must("tools/list", {"cursor": "0"})
    for number in range(ENTRIES + 100):
        clock.cache.keep(clock.must("tools/list", {"cursor": str(number)}), RESULT)
        assert clock.cache.find(first) is not None
    assert len(clock.cache) == ENTRIES
    for number in range(100):
        large = Raw(b'{"content":"' + b"x" * (ENTRY_BYTES - 100) + b'"}')
        clock.cache.keep(clock.must("tools/call", {**LOOK, "arguments": {"at": number}}), large)
    assert clock.cache.bytes <= TOTAL_BYTES
