"""The core put together with plain values: no process, no socket, no loop."""

import json
from collections.abc import Callable
from typing import Any, TypeVar

from mcp_bridge.core import revisions
from mcp_bridge.core.audience import Audience
from mcp_bridge.core.callers import Session
from mcp_bridge.core.calls import ClientCall
from mcp_bridge.core.envelope import decode, decode_child
from mcp_bridge.core.errors import RpcError
from mcp_bridge.core.event_streams import EventStore
from mcp_bridge.core.link import Link
from mcp_bridge.core.origin import NOWHERE, Origin
from mcp_bridge.core.profile import Profile
from mcp_bridge.core.reviewed_tools import ReviewedTools
from mcp_bridge.core.sessions import SessionTable
from mcp_bridge.core.spans import Spans
from mcp_bridge.core.switchboard import Switchboard
from msgspec import Raw

T = TypeVar("T")


def outcome(act: Callable[[], T]) -> tuple[int, T | None]:
    """Return 0 and what `act` gives, or the code of the error that it raises."""
    try:
        return 0, act()
    except RpcError as error:
        return error.code, None


def caller(modern: bool, **more: Any) -> Session:
    return Session(
        id="s",
        client="",
        revision=revisions.MODERN if modern else "2025-11-25",
        capabilities={"sampling": {}},
        client_info=Raw(b'{"name":"c","version":"1"}'),
        last_used=0.0,
        store=EventStore(),
        **more,
    )


def profile(modern: bool) -> Profile:
    return Profile(
        revision=revisions.MODERN if modern else "2025-11-25",
        capabilities={"tools": {"listChanged": True}, "logging": {}, "resources": {"subscribe": True}},
        server_info={"name": "srv", "version": "3"},
        instructions=None,
    )


class Recorder:
    """A client's request that remembers what it got."""

    def __init__(self) -> None:
        self.sent: list[Any] = []
        self.answer: Any = None
        self.origin: Origin = NOWHERE

    def send(self, message: bytes) -> bool:
        self.sent.append(json.loads(message))
        return True

    def finish(self, message: bytes, code: int) -> None:
        assert self.answer is None
        self.answer = json.loads(message)


class Recording:
    """A way to a child that keeps what was sent."""

    congested = False

    def __init__(self, lines: list[Any]) -> None:
        self._lines = lines

    def write(self, message: bytes) -> None:
        self._lines.append(json.loads(message))


class Wiring:
    """A switchboard with a child that is a list, and a clock that is a number."""

    def __init__(self, child_modern: bool = False) -> None:
        self.lines: list[Any] = []
        self.now = 0.0
        self.settled: list[tuple[ClientCall, int]] = []
        self.delayed: list[Callable[[], None]] = []
        self.waiting: list[Callable[[Link | RpcError], None]] = []
        self.sessions = SessionTable()
        self.switchboard = Switchboard(
            self.sessions,
            settled=lambda call, code: self.settled.append((call, code)),
            list_changed=lambda _: None,
            later=lambda _, act: self.delayed.append(act),
            again=lambda _, proceed: self.waiting.append(proceed),
            spans=Spans(None),
            reviewed=ReviewedTools(None, quarantine=False, differs=lambda _: None),
        )
        self.audience = Audience(stateless=True)
        self.link = self.connect()
        self.link.profile = profile(child_modern)
        self.opened = 0

    def connect(self) -> Link:
        """Return the conversation with a new child."""
        return Link(Recording(self.lines), self.switchboard, lambda: self.now, self.audience)

    def session(self, **capabilities: Any) -> Session:
        self.opened += 1
        session = self.sessions.open(
            str(self.opened),
            client="",
            revision="2025-11-25",
            capabilities=capabilities,
            info=Raw(b'{"name":"c","version":"1"}'),
            now=0.0,
        )
        self.audience.sessions.add(session)
        return session

    def request(self, session: Session, number: Any = 1, **params: Any) -> Recorder:
        exchange = Recorder()
        message = {"jsonrpc": "2.0", "id": number, "method": "tools/call", "params": {"name": "t", **params}}
        self.switchboard.request(self.link, session, decode(json.dumps(message).encode()), exchange)
        return exchange

    def heard(self, **message: Any) -> None:
        read = decode_child(json.dumps({"jsonrpc": "2.0", **message}).encode())
        assert read is not None
        self.link.heard(read)
