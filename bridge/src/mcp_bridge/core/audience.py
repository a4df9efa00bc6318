"""Whom a child serves. It outlives the child: the next one in its place takes it over."""

from dataclasses import dataclass, field

from .callers import Session


@dataclass(frozen=True, eq=False)
class Audience:
    """The callers of one child.

    Arguments:
        stateless: whether it gets stateless requests too, each of which may be another client's.
        sessions: the sessions that were given to it.
    """

    stateless: bool
    sessions: set[Session] = field(default_factory=set)

    @property
    def only(self) -> Session | None:
        """The one session that all its messages must be for, None where there may be others."""
        if self.stateless or len(self.sessions) != 1:
            return None
        return next(iter(self.sessions))

    def uris(self) -> set[str]:
        """Return the resources that its sessions follow."""
        return {uri for session in self.sessions for uri in session.subscriptions}
