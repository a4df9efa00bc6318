"""Results that are kept for a while: lists, and answers of tools that are declared read-only and idempotent.

A child's own result is kept, before it is made fit for a client: lists serve every client, each of which sees what it
may; a tool's answer serves only the client that it was given to.
"""

from collections import OrderedDict
from collections.abc import Callable
from typing import Final, NamedTuple

import msgspec
from msgspec import Raw

from .envelope import Envelope, members
from .shared_results import Shared, SharedResults

ENTRIES: Final = 1000
SECONDS: Final = 300.0
ENTRY_BYTES: Final = 256 * 1024
TOTAL_BYTES: Final = 16 * 1024 * 1024

_CALL: Final = "tools/call"
_CHANGES: Final = {
    "notifications/tools/list_changed": frozenset({"tools/list", _CALL}),
    "notifications/prompts/list_changed": frozenset({"prompts/list"}),
    "notifications/resources/list_changed": frozenset({"resources/list", "resources/templates/list"}),
}
"""What a notification makes stale."""

METHODS: Final = frozenset().union(*_CHANGES.values())
"""The methods whose results are kept."""


class Key(NamedTuple):
    """What must be equal for a result to serve again; `generation` counts what made results of its method stale."""

    method: str
    generation: int
    client: str
    params: tuple[tuple[str, bytes], ...]


class _Entry(NamedTuple):
    result: bytes
    until: float


class _Result(msgspec.Struct):
    isError: bool = False  # noqa: N815 - the wire's name
    ttlMs: float = 0  # noqa: N815 - the wire's name
    resultType: str = "complete"  # noqa: N815 - the wire's name


class ResultCache:
    """The results of one replica. The least recently used give way. Behind it may be one that all replicas share.

    Arguments:
        clock: monotonic seconds.
        hit: called with the method of each request that needed no child.
        repeatable: returns the tools that are declared read-only and idempotent.
        most: results that are kept at a time.
        shared: what all replicas share, None for nothing.
    """

    def __init__(
        self,
        clock: Callable[[], float],
        hit: Callable[[str], None],
        repeatable: Callable[[], frozenset[str]],
        most: int = ENTRIES,
        shared: SharedResults | None = None,
    ) -> None:
        self._clock = clock
        self._hit = hit
        self._repeatable = repeatable
        self._most = most
        self._shared = shared
        self._entries: OrderedDict[Key, _Entry] = OrderedDict()
        self._generations = dict.fromkeys(METHODS, 0)
        self.bytes = 0

    def __len__(self) -> int:
        return len(self._entries)

    def __contains__(self, key: Key) -> bool:
        return key in self._entries

    def key(self, message: Envelope, client: str) -> Key | None:
        """Return the key of a client's request, None where its result must not be kept."""
        method = message.method or ""
        if method not in METHODS:
            return None
        try:
            fields = members(message.params)
            if method == _CALL and msgspec.json.decode(fields["name"], type=str) not in self._repeatable():
                return None
        except (KeyError, msgspec.DecodeError, UnicodeDecodeError):
            return None
        fields.pop("_meta", None)
        params = tuple(sorted((name, bytes(value)) for name, value in fields.items()))
        return Key(method, self._generations[method], client if method == _CALL else "", params)

    def find(self, key: Key) -> Raw | None:
        """Return what is kept under a key."""
        entry = self._entries.get(key)
        if entry is None:
            return None
        if entry.until <= self._clock():
            self._drop(key)
            return None
        self._entries.move_to_end(key)
        self._hit(key.method)
        return Raw(entry.result)

    def look(self, key: Key, done: Callable[[], None]) -> bool:
        """Look for a result among those that are shared, and call `done` when `find` would find it.

        False where it can't be looked for: `done` won't be called.
        """

        def found(shared: Shared | None) -> None:
            if shared is not None and key.generation == self._generations[key.method]:
                self._put(key, shared.result, shared.seconds)
            done()

        return self._shared is not None and self._shared.find(key, found)

    def keep(self, key: Key, result: Raw) -> None:
        """Keep a child's result, if it is final, no error, not large and not stale already."""
        if len(result) > ENTRY_BYTES or key.generation != self._generations[key.method]:
            return
        try:
            read = msgspec.json.decode(result, type=_Result)
        except (msgspec.DecodeError, UnicodeDecodeError):
            return
        if read.isError or read.resultType != "complete":
            return
        seconds = min(SECONDS, read.ttlMs / 1000) if read.ttlMs > 0 else SECONDS
        self._put(key, bytes(result), seconds)
        if self._shared is not None:
            self._shared.keep(key, bytes(result), seconds)

    def _put(self, key: Key, result: bytes, seconds: float) -> None:
        self._drop(key)
        self._entries[key] = _Entry(result, self._clock() + seconds)
        self.bytes += len(result)
        self._make_room()

    def limit(self, most: int) -> None:
        """Set how many results are kept at a time."""
        self._most = most
        self._make_room()

    def _make_room(self) -> None:
        while len(self._entries) > self._most or self.bytes > TOTAL_BYTES:
            self._drop(next(iter(self._entries)))

    def changed(self, notification: str) -> None:
        """Forget what a child's notification makes stale, and what is asked for already; tell the other replicas."""
        methods = _CHANGES.get(notification, frozenset())
        self.forget(methods)
        if self._shared is not None:
            self._shared.changed(methods)

    def clear(self) -> None:
        """Forget everything: the child is another one. What its like said in other replicas stays."""
        self.forget(METHODS)

    def forget(self, methods: frozenset[str]) -> None:
        """Forget the results of these methods, and what is asked for already."""
        for method in methods:
            self._generations[method] += 1
        for key in [key for key in self._entries if key.method in methods]:
            self._drop(key)

    def _drop(self, key: Key) -> None:
        entry = self._entries.pop(key, None)
        if entry is not None:
            self.bytes -= len(entry.result)
