"""What the gateway itself answers when it can't or won't pass a request on: JSON that says what to do.

Each body is a JSON-RPC error, so that MCP clients show its message. A mapper is chosen by the reason that the
refusing filter gives (`%RESPONSE_CODE_DETAILS%`), not by status: two causes of one status need different remedies.
https://www.envoyproxy.io/docs/envoy/v1.40.0/configuration/http/http_conn_man/local_reply
"""

from dataclasses import dataclass

from mcp_wire import tools

from .filters import INSPECTED_BYTES
from .names import Resource, typed

UNAVAILABLE_RETRY_SECONDS = 2
"""Told to clients of a server without a ready replica: about the time of one health check."""


@dataclass(frozen=True, kw_only=True)
class Reply:
    """The answer to one cause.

    Arguments:
        when: a CEL expression over the request's attributes.
        code: the JSON-RPC error code, from the range left to implementations.
        message: what is wrong and what to do about it.
        headers: response headers to add.
    """

    when: str
    code: int
    message: str
    headers: tuple[tuple[str, str], ...] = ()


def _details(start: str) -> str:
    return f"response.code_details.startsWith('{start}')"


_CHALLENGE = (("www-authenticate", 'Bearer realm="mcp-fleet"'),)
_ASK = "Ask an operator to change it under `mcp-fleet:clients` in the stack config, then `pulumi up`."

REPLIES = (
    Reply(
        when=_details("missing_api_key"),
        code=-32010,
        message="No API key. Send it as `Authorization: Bearer KEY`; `fleet token CLIENT` prints a client's key.",
        headers=_CHALLENGE,
    ),
    Reply(
        when=_details("unknown_api_key"),
        code=-32010,
        message="Unknown API key: it may have been rotated. `fleet token CLIENT` prints the client's current key.",
        headers=_CHALLENGE,
    ),
    Reply(
        when=_details("client_not_allowed"),
        code=-32011,
        message=f"This client may not use this server. {_ASK}",
    ),
    Reply(
        when=_details("rbac_access_denied"),
        code=tools.FORBIDDEN,
        message=tools.FORBIDDEN_MESSAGE,
    ),
    Reply(
        when="response.code_details == 'route_not_found'",
        code=-32013,
        message="No such server. Servers answer at /NAME/mcp; `fleet status` lists them.",
    ),
    Reply(
        when=_details("local_rate_limited"),
        code=-32014,
        message="Too many requests in a minute for this client. Wait as many seconds as `retry-after` says. "
        "An operator sets the limit by `tier` or `rpm` under `mcp-fleet:clients` in the stack config.",
    ),
    Reply(
        when="response.code_details == 'mcp_parse_error'",
        code=-32700,
        message="The body is not one whole JSON message. Send valid JSON.",
    ),
    Reply(
        when="response.code_details == 'mcp_duplicate_keys'",
        code=-32600,
        message="The message has a key twice in one object. Send each key once.",
    ),
    Reply(
        when="response.code_details == 'mcp_body_too_large'",
        code=-32600,
        message="The message is too long to tell whether this client may send it. "
        f"Send at most {INSPECTED_BYTES} bytes.",
    ),
    Reply(
        when=_details("mcp_"),
        code=-32600,
        message="The gateway must see which tool is called. POST one JSON-RPC message (no batch) as application/json, "
        "and accept application/json and text/event-stream.",
    ),
    Reply(
        when="response.code == 503",
        code=-32015,
        message="No replica of this server can answer now. Retry after the seconds in `retry-after`; "
        "`fleet why SERVER` tells the reason.",
        headers=(("retry-after", str(UNAVAILABLE_RETRY_SECONDS)),),
    ),
    Reply(
        when="response.code == 504",
        code=-32016,
        message="The server sent nothing for too long. Retry, or ask for less; `fleet why SERVER` shows its log.",
    ),
)

FALLBACK = Reply(
    when="true",
    code=-32000,
    message="The gateway could not pass this request on: `data.detail` tells why; its log has `data.request_id`.",
)


def local_replies() -> Resource:
    """Return the HCM's `local_reply_config`."""
    mappers = [_health("health_check_ok", "ok"), _health("health_check_failed", "draining"), *map(_mapper, REPLIES)]
    return {"mappers": mappers, "body_format": _body(FALLBACK)}


def _health(details: str, status: str) -> Resource:
    return {"filter": _when(_details(details)), "body_format_override": {"json_format": {"status": status}}}


def _when(expression: str) -> Resource:
    message = typed("extensions.access_loggers.filters.cel.v3.ExpressionFilter", expression=expression)
    return {"extension_filter": {"name": "envoy.access_loggers.extension_filters.cel", "typed_config": message}}


def _mapper(reply: Reply) -> Resource:
    mapper: Resource = {"filter": _when(reply.when), "body_format_override": _body(reply)}
    if reply.headers:
        mapper["headers_to_add"] = [
            {"header": {"key": key, "value": value}, "append_action": "OVERWRITE_IF_EXISTS_OR_ADD"}
            for key, value in reply.headers
        ]
    return mapper


def _body(reply: Reply) -> Resource:
    return {
        "json_format": {
            "jsonrpc": "2.0",
            "id": None,
            "error": {
                "code": reply.code,
                "message": reply.message,
                "data": {
                    "status": "%RESPONSE_CODE%",
                    "detail": "%RESPONSE_CODE_DETAILS%",
                    "reason": "%LOCAL_REPLY_BODY%",
                    "server": "%ROUTE_NAME%",
                    "request_id": "%REQ(X-REQUEST-ID)%",
                },
            },
        }
    }
