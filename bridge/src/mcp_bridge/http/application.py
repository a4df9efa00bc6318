"""What a connection serves."""

from typing import TYPE_CHECKING, Protocol

from .reply import Reply
from .request import Request

if TYPE_CHECKING:
    from .connection import Connection


class Application(Protocol):
    """Takes requests. `max_body_bytes`: what a request's body may have."""

    max_body_bytes: int

    def serve(self, request: Request, reply: Reply) -> None:
        """Begin to serve a request; the answer goes to `reply`, now or later."""

    def refused(self, status: int) -> None:
        """What came was refused with this HTTP status, as it is no request that can be served."""

    def hung_up(self, reply: Reply) -> None:
        """The client left before it had its whole answer."""

    def closed(self, connection: "Connection") -> None:
        """A connection is no more."""
