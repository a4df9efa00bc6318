"""What a resource type and a provider have to offer to be served."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol, TypeAlias

from dev.plugins.planning import State
from dev.plugins.schema import Block


class OperationError(Exception):
    """An operation failed; the message is for the user."""


class PartialFailureError(OperationError):
    """The resource exists, but an operation on it failed: the engine keeps it, and retries next time.

    Attributes:
        id: of the resource.
        state: the properties to keep in the state.
    """

    def __init__(self, message: str, id_: str, state: Mapping[str, Any]) -> None:
        super().__init__(message)
        self.id = id_
        self.state = state


@dataclass(frozen=True, slots=True)
class Found:
    """A resource that exists: its ID and its properties."""

    id: str
    state: State


class Resource(Protocol):
    """The operations of one resource type. All raise OperationError with a message for the user."""

    def create(self, planned: State) -> Found:
        """Creates the resource as planned, and reports it."""

    def read(self, id_: str, state: State) -> Found | None:
        """Reports the resource, or None if it is gone. `state` is what was known of it (empty: import)."""

    def update(self, id_: str, state: State, planned: State) -> State:
        """Makes the resource what is planned, and reports it."""

    def delete(self, id_: str, state: State) -> None:
        """Removes the resource."""


Function: TypeAlias = Callable[[Mapping[str, Any]], Mapping[str, Any]]
"""Returns what a function of a provider does, of its arguments. Raises OperationError with a message for the user."""


class Provider(Protocol):
    """A plugin's configuration and its resource types.

    Attributes:
        name: of the package, e.g. `docker`.
        version: of the plugin that this one stands in for.
        config: what the provider resource takes.
        blocks: the schema of each resource type, by its token.
        functions: by their tokens, once it is configured.
    """

    name: str
    version: str
    config: Block
    blocks: Mapping[str, Block]
    functions: Mapping[str, Function]

    def defaults(self) -> Mapping[str, Any]:
        """What the provider's inputs are while not given."""

    def configure(self, config: Mapping[str, Any]) -> Mapping[str, Resource]:
        """The resource types by token, on the given configuration."""
