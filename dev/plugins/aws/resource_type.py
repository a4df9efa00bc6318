"""What the table says of a resource type, and how that becomes the operations that the engine asks for."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from dev.plugins.aws.account import Account, AwsError
from dev.plugins.planning import State, changes
from dev.plugins.resource import Found, OperationError
from dev.plugins.schema import Block

Changed = frozenset[str]


def unchangeable(account: Account, id_: str, state: State, planned: State) -> None:
    """Of types whose every change replaces the resource."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ResourceType:
    """One resource type.

    Attributes:
        block: its properties.
        create: makes it, and returns its id.
        tell: returns those of its properties that AWS knows, or None if it is not there any more.
        delete: removes it.
        update: makes it what is planned, in place.
        updated: the properties that `update` can change. A change of others that the real provider makes in place, and
            the table has no request for, is refused.
        gone: codes of AWS that say that it is not there.
    """

    block: Block
    create: Callable[[Account, State], str]
    tell: Callable[[Account, str, State], Mapping[str, Any] | None]
    delete: Callable[[Account, str, State], None]
    update: Callable[[Account, str, State, State], None] = unchangeable
    updated: Changed = field(default=frozenset())
    gone: frozenset[str] = field(default=frozenset())


class AwsResource:
    """The operations of one resource type in one account."""

    def __init__(self, token: str, kind: ResourceType, account: Account) -> None:
        self._token, self._kind, self._account = token, kind, account

    def create(self, planned: State) -> Found:
        """Makes the resource, and reports what became of it."""
        id_ = self._kind.create(self._account, planned)
        return Found(id_, self._reported(id_, planned))

    def read(self, id_: str, state: State) -> Found | None:
        """Reports the resource as AWS has it."""
        told = self._told(id_, state)
        return None if told is None else Found(id_, {**state, **told})

    def update(self, id_: str, state: State, planned: State) -> State:
        """Changes what the table knows how to change."""
        differing = {
            change.path.partition(".")[0].partition("[")[0] for change in changes(self._kind.block, state, planned)
        }
        if unknown := sorted(differing - self._kind.updated):
            raise OperationError(f"{self._token} {id_}: this stand-in can't change {', '.join(unknown)} in place")
        self._kind.update(self._account, id_, state, planned)
        return self._reported(id_, planned)

    def delete(self, id_: str, state: State) -> None:
        """Removes the resource, unless it is gone already."""
        try:
            self._kind.delete(self._account, id_, state)
        except AwsError as error:
            if error.code not in self._kind.gone:
                raise

    def _reported(self, id_: str, planned: State) -> State:
        told = self._told(id_, planned)
        if told is None:
            raise OperationError(f"{self._token} {id_}: it was made, and is not there")
        return {**planned, **told}

    def _told(self, id_: str, state: State) -> Mapping[str, Any] | None:
        try:
            return self._kind.tell(self._account, id_, state)
        except AwsError as error:
            if error.code in self._kind.gone:
                return None
            raise
