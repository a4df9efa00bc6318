"""Log levels: a shared child of the session era has one, and each of its clients has another.

The child is set to the most verbose level that anybody asked for; each client gets what it asked for of that.
"""

import msgspec

from . import revisions
from .callers import Session
from .errors import INVALID_PARAMS, RpcError
from .link import Link


def choose(link: Link, session: Session, level: str) -> bool:
    """Serve `logging/setLevel`. False where the child has no log to set; raises RpcError for an unknown level."""
    if level not in revisions.LOG_LEVELS:
        raise RpcError(INVALID_PARAMS, f"Unknown log level {level!r}; one of {', '.join(revisions.LOG_LEVELS)}.")
    if not (link.profile is not None and link.profile.modern) and not _settable(link):
        return False
    session.log_level = level
    apply(link)
    return True


def apply(link: Link) -> None:
    """Set the child to what its clients want between them."""
    levels = [session.log_level for session in link.audience.sessions if session.log_level is not None]
    if levels and _settable(link):
        _send(link, min(levels, key=revisions.LOG_LEVELS.index))


def reach(link: Link, level: str) -> None:
    """Make the child log at least as much as a stateless request asks for."""
    known = revisions.LOG_LEVELS
    if level not in known or not _settable(link):
        return
    if link.log_level is None or known.index(level) < known.index(link.log_level):
        _send(link, level)


def _settable(link: Link) -> bool:
    """Whether the child has a log level. A modern one takes it with each request instead."""
    return link.profile is not None and not link.profile.modern and link.profile.declares("logging")


def _send(link: Link, level: str) -> None:
    if link.log_level != level:
        link.log_level = level
        link.ask("logging/setLevel", msgspec.json.encode({"level": level}), lambda _: None)
