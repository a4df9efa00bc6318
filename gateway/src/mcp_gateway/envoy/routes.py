"""The routes (RDS): where each server's path leads, and who may use it."""

from collections.abc import Iterable

from mcp_wire import headers, token
from mcp_wire import tools as tool_list

from mcp_gateway.policy import OPERATOR, Policy

from .clusters import cluster_name
from .filters import FORWARDING, judged
from .names import API_KEYS, MCP, PROMETHEUS, ROUTES, TOOLS, Resource, typed

IDLE_STREAM_SECONDS = 3600
"""A stream of events, or a tool that works silently, may go without a byte for so long."""
RETRIES = 2
"""Only for requests that provably never reached a replica: a tool call is not safe to repeat."""

TOOLS_CALL = "tools/call"
_BODYLESS = ("GET", "DELETE")


def route_configuration(policy: Policy, servers: Iterable[str], *, master: str, prometheus: bool) -> Resource:
    """Return all routes.

    Arguments:
        policy: who may use what.
        servers: names of the servers to route; their clusters must exist.
        master: the secret from which each server's gateway token is derived.
        prometheus: whether there is a cluster PROMETHEUS to route to.
    """
    routes = [_server(policy, server, master) for server in sorted(servers)]
    if prometheus:
        routes.insert(0, _prometheus())
    return {"name": ROUTES, "virtual_hosts": [{"name": ROUTES, "domains": ["*"], "routes": routes}]}


def _server(policy: Policy, server: str, master: str) -> Resource:
    clients = sorted(name for name, access in policy.clients.items() if access.may_use(server))
    filters = {API_KEYS: _allow(clients)}
    restricted = {name: tools for name in clients if (tools := policy.clients[name].tools(server)) is not None}
    if restricted:
        filters[MCP] = judged()
        filters[TOOLS] = typed("extensions.filters.http.rbac.v3.RBACPerRoute", rbac={"rules": _tool_rules(restricted)})
    gateway_token = token.derive(master, token.server_audience(server))
    return {
        "name": server,
        "match": {"path": f"/{server}/mcp"},
        "route": {
            "cluster": cluster_name(server),
            "prefix_rewrite": "/mcp",
            "timeout": "0s",
            "idle_timeout": f"{IDLE_STREAM_SECONDS}s",
            "retry_policy": {
                "retry_on": "connect-failure,refused-stream,reset-before-request",
                "num_retries": RETRIES,
                "retry_host_predicate": [_not_the_same_host()],
                "host_selection_retry_max_attempts": 3,
            },
        },
        "request_headers_to_add": [_header(headers.GATEWAY_TOKEN, gateway_token), *_access(policy, server, clients)],
        "typed_per_filter_config": filters,
    }


def _access(policy: Policy, server: str, clients: list[str]) -> list[Resource]:
    """Hand over what a server may know of whoever calls: tier, priority, and the tools where they are restricted."""
    found = {name: policy.clients[name] for name in clients}
    return [
        *_by_client(headers.TIER, {name: access.tier for name, access in found.items() if access.tier}),
        *_by_client(
            headers.PRIORITY, {name: str(access.priority) for name, access in found.items() if access.priority}
        ),
        *_by_client(
            headers.TOOLS,
            {
                name: tool_list.encode(allowed)
                for name, access in found.items()
                if (allowed := access.tools(server)) is not None
            },
        ),
    ]


def _by_client(name: str, values: dict[str, str]) -> list[Resource]:
    """Return a header whose value depends on the client, and that others don't have."""
    if not values:
        return []
    table = ", ".join(f"'{client}': '{value}'" for client, value in sorted(values.items()))
    key = f"request.headers['{headers.CLIENT}']"
    return [_header(name, f"%CEL({key} in {{{table}}} ? {{{table}}}[{key}] : '')%")]


def _header(name: str, value: str) -> Resource:
    return {"header": {"key": name, "value": value}, "append_action": "OVERWRITE_IF_EXISTS_OR_ADD"}


def _prometheus() -> Resource:
    return {
        "name": PROMETHEUS,
        "match": {"prefix": "/-/prometheus/"},
        "route": {"cluster": PROMETHEUS, "prefix_rewrite": "/", "timeout": "30s"},
        "request_headers_to_remove": [headers.CLIENT],
        "typed_per_filter_config": {API_KEYS: _allow([OPERATOR])},
    }


def _allow(clients: list[str]) -> Resource:
    # An empty list would allow everybody; the operator is in every one.
    return typed(
        "extensions.filters.http.api_key_auth.v3.ApiKeyAuthPerRoute", allowed_clients=clients, forwarding=FORWARDING
    )


def _not_the_same_host() -> Resource:
    message = typed("extensions.retry.host.previous_hosts.v3.PreviousHostsPredicate")
    return {"name": "envoy.retry_host_predicates.previous_hosts", "typed_config": message}


def _tool_rules(restricted: dict[str, frozenset[str]]) -> Resource:
    """Deny restricted clients what isn't theirs, and what the gateway can't read whole: that might be anything."""
    policies = {}
    for client, tools in restricted.items():
        principals = [{"header": {"name": headers.CLIENT, "string_match": {"exact": client}}}]
        others = {
            "and_rules": {
                "rules": [
                    _metadata(TOOLS_CALL, "method"),
                    *[_not(_metadata(tool, "params", "name")) for tool in sorted(tools)],
                ]
            }
        }
        policies[f"tools:{client}"] = {"principals": principals, "permissions": [others]}
        policies[f"unreadable:{client}"] = {"principals": principals, "permissions": [_unreadable()]}
    return {"action": "DENY", "policies": policies}


def _unreadable() -> Resource:
    bodyless = [{"header": {"name": ":method", "string_match": {"exact": method}}} for method in _BODYLESS]
    whole = {"and_rules": {"rules": [_flag("is_mcp_request"), _not(_flag("is_exceeding_limit"))]}}
    return _not({"or_rules": {"rules": [*bodyless, whole]}})


def _not(rule: Resource) -> Resource:
    return {"not_rule": rule}


def _metadata(value: str, *path: str) -> Resource:
    return _sourced({"string_match": {"exact": value}}, path)


def _flag(name: str) -> Resource:
    return _sourced({"bool_match": True}, (name,))


def _sourced(value: Resource, path: tuple[str, ...]) -> Resource:
    matcher = {"filter": MCP, "path": [{"key": key} for key in path], "value": value}
    return {"sourced_metadata": {"metadata_matcher": matcher}}
