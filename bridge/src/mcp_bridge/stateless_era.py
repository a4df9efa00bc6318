"""/mcp for the stateless revision: POST only, every request on its own, headers that must match the body.

https://modelcontextprotocol.io/specification/2026-07-28/basic/transports
"""

from collections.abc import Callable
from typing import Any

import msgspec

from .admission import Admitted
from .core import parameter_headers, revisions, stateless
from .core.envelope import Envelope
from .core.errors import INVALID_PARAMS, INVALID_REQUEST, RpcError
from .exchange import HttpExchange
from .http.reply import Reply
from .intake import HttpError, Intake, check_types, has_envelope, read
from .processes import Processes


class _ToolCall(msgspec.Struct):
    name: str = ""
    arguments: dict[str, Any] | None = None


class StatelessEra:
    """Serves clients that send all there is to know with each request.

    Arguments:
        processes: knows which tools want arguments repeated in headers.
        intake: takes requests on.
        clock: monotonic seconds.
    """

    def __init__(self, processes: Processes, intake: Intake, clock: Callable[[], float]) -> None:
        self._processes = processes
        self._intake = intake
        self._clock = clock

    def serve(self, reply: Reply, admitted: Admitted, version: str) -> None:
        """Serve one request whose MCP-Protocol-Version says `version`. Raises HttpError to refuse it."""
        request = reply.request
        if request.head.method != b"POST":
            raise HttpError(405, RpcError(INVALID_REQUEST, "This revision has POST only."), headers=b"allow: POST\r\n")
        check_types(admitted)
        if version != revisions.MODERN and not has_envelope(request.body):
            raise HttpError(400, stateless.unsupported(version))
        message = read(reply)
        if message.is_notification:
            # Accepted and dropped: this revision has none from clients, but older libraries send some.
            if version != revisions.MODERN:
                raise HttpError(400, stateless.unsupported(version))
            reply.complete(202, b"", b"")
            return
        if not message.is_request:
            raise HttpError(400, RpcError(INVALID_REQUEST, "The body must be one request."))
        exchange = HttpExchange(reply, admitted, by_code=True, headers=b"", now=self._clock())
        try:
            caller = stateless.admit(message, request.headers, request.head.repeated, admitted.client)
            caller.access = admitted.access
            self._check_parameter_headers(message, reply)
        except RpcError as error:
            self._intake.refuse(exchange, message, error, admitted)
            return
        if message.method == "subscriptions/listen" and not exchange.streams:
            text = "This answer is an event stream: accept it."
            raise HttpError(406, RpcError(INVALID_REQUEST, text), bytes(message.id))
        self._intake.put(reply, caller, exchange, message, exchange)

    def _check_parameter_headers(self, message: Envelope, reply: Reply) -> None:
        """Compare Mcp-Param-* with the arguments, for tools whose schema asks for it."""
        wanted = self._processes.survey.headers if message.method == "tools/call" else {}
        if not wanted:
            return
        try:
            params = msgspec.json.decode(message.params, type=_ToolCall)
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            raise RpcError(INVALID_PARAMS, f"Invalid params: {error}.") from error
        marked = wanted.get(params.name)
        if marked:
            parameter_headers.check(marked, params.arguments, reply.request.headers, reply.request.head.repeated)
