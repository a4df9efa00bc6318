"""Which children there are, as the command line asks for it."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, Literal

from mcp_bridge.container import ControlGroup
from mcp_bridge.core.callers import Session
from mcp_bridge.core.link import Link, Listener
from mcp_bridge.redaction import Redactor

from .interface import Processes
from .isolated import IsolatedChildren
from .room import always, by_declaration, children_that_fit, group_bytes
from .run import ChildSettings
from .shared import SharedChildren
from .survey import Survey

Mode = Literal["auto", "isolated", "shared"]
MODES: Final[tuple[Mode, ...]] = ("auto", "isolated", "shared")
QUIET_SECONDS: Final = 60.0
"""Idle time after which a session's child may be given to another session, when there is room for no more."""


@dataclass(frozen=True, kw_only=True)
class Strategy:
    """How clients are divided among children.

    Arguments:
        mode: whether sessions share, have a child each, or whichever suits the server.
        workers: children that serve everybody.
        pool: children that are kept started for sessions to come.
        max_children: most children of sessions; None: as many as the memory allows.
        breaker_seconds: within which five failures open a circuit breaker, and for which it stays open.
        session_seconds: idle time that ends a session.
    """

    mode: Mode
    workers: int
    pool: int
    max_children: int | None
    breaker_seconds: float
    session_seconds: float


def make_processes(
    strategy: Strategy,
    child: ChildSettings,
    listener: Listener,
    redactor: Redactor,
    *,
    ready: Callable[[Link], None],
    renew: Callable[[Link], None],
    lost: Callable[[Session], None],
    surveyed: Callable[[Survey], None],
) -> Processes:
    """Return what runs the children.

    Arguments:
        strategy: which there are.
        child: how to run one.
        listener: takes what they say unasked.
        redactor: masks secret values in what is shown of them.
        ready: is told of each shared child that has come up.
        renew: is told of each child that has been introduced to its session.
        lost: is told of each session whose child is gone, or must go.
        surveyed: is told what a shared child offers, before anybody is served by it.
    """

    def shared_ready(link: Link) -> None:
        ready(link)
        if isolated is not None:
            isolated.choose()

    def room() -> int:
        if strategy.max_children is not None:
            return strategy.max_children
        pids = shared.status().pids
        used = group_bytes(pids[0]) if pids else 0
        return children_that_fit(ControlGroup().memory_limit_bytes(), used, strategy.workers)

    isolated: IsolatedChildren | None = None
    shared = SharedChildren(
        child,
        listener,
        shared_ready,
        redactor,
        workers=strategy.workers,
        breaker_seconds=strategy.breaker_seconds,
        surveyed=surveyed,
    )
    if strategy.mode == "shared":
        return shared
    isolated = IsolatedChildren(
        shared,
        child,
        listener,
        redactor,
        policy=always if strategy.mode == "isolated" else by_declaration,
        room=room,
        pool=strategy.pool,
        breaker_seconds=strategy.breaker_seconds,
        quiet_seconds=min(QUIET_SECONDS, strategy.session_seconds / 2),
        ready=renew,
        lost=lost,
    )
    return isolated
