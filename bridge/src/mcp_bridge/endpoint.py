"""/mcp: one URL for both eras. What the header MCP-Protocol-Version says decides which serves a request."""

from collections.abc import Callable, Iterable

from .admission import Admission, Admitted, NotAdmittedError
from .core import origin
from .core.callers import Session
from .core.errors import INVALID_REQUEST, RpcError
from .core.switchboard import Switchboard
from .exchange import StreamOutlet
from .http.reply import Reply
from .intake import HttpError, Intake
from .pending import Pending
from .processes import Processes
from .session_era import KNOWN_REVISIONS, SessionEra
from .stateless_era import StatelessEra


class Endpoint:
    """Serves /mcp.

    Arguments:
        admission: who may come in.
        processes: the children.
        switchboard: the protocol.
        intake: takes requests on.
        refused: is told the HTTP status of each request that is refused before it is one of MCP.
        clock: monotonic seconds.
    """

    def __init__(
        self,
        admission: Admission,
        processes: Processes,
        switchboard: Switchboard,
        intake: Intake,
        refused: Callable[[int], None],
        clock: Callable[[], float],
    ) -> None:
        self._admission = admission
        self._processes = processes
        self._switchboard = switchboard
        self._refused = refused
        self._session_era = SessionEra(processes, switchboard, intake, clock)
        self._stateless_era = StatelessEra(processes, intake, clock)

    def serve(self, reply: Reply) -> None:
        """Serve one request."""
        request = reply.request
        head = request.head
        request.origin = origin.read(request.headers, head.repeated)
        reply.headers = b"x-request-id: " + request.origin.request_id.encode() + b"\r\n"
        try:
            admitted: Admitted | None = head.reading
            if admitted is None:
                admitted = head.reading = self._admission.admit(head)
            version = admitted.version
            if version is None or version in KNOWN_REVISIONS:
                self._session_era.serve(reply, admitted)
            else:
                self._stateless_era.serve(reply, admitted, version)
        except NotAdmittedError as refusal:
            self._refuse(reply, HttpError(refusal.status, RpcError(INVALID_REQUEST, refusal.text)))
        except HttpError as error:
            self._refuse(reply, error)

    def _refuse(self, reply: Reply, error: HttpError) -> None:
        self._refused(error.status)
        error.put(reply)

    def hung_up(self, reply: Reply) -> None:
        """A client left before its answer was complete."""
        pending = reply.state
        if not isinstance(pending, Pending):
            return
        caller, carrier = pending.caller, pending.carrier
        carrier.hung_up()
        if isinstance(carrier, StreamOutlet):
            return
        if carrier.abandoned:
            for waiting in list(pending.waiting):
                waiting.hung_up()
        self._switchboard.interests.hung_up(carrier)
        if caller.modern:
            # Closing the stream is how a stateless client cancels; in a session it means nothing.
            for call in pending.calls:
                self._switchboard.cancel(call, "the client closed the connection")

    def sweep(self, now: float, replies: Iterable[Reply]) -> None:
        """Keep long answers alive, with the sessions that wait for them, and end sessions that nobody uses."""
        for reply in replies:
            pending = reply.state
            if isinstance(pending, Pending):
                pending.carrier.keep_alive(now)
                if isinstance(pending.caller, Session):
                    pending.caller.last_used = now
        for session in self._switchboard.sessions.expired(now):
            self._switchboard.end_session(self._processes.link_for(session), session)

    def end_streams(self) -> None:
        """Close all standing streams politely: their clients may connect elsewhere."""
        self._switchboard.interests.end_streams()
        for session in self._switchboard.sessions:
            if session.opened_streams is not None:
                session.opened_streams.standing.disconnect()
