"""The HTTP filters that decide about a request: keys and limits, which change by ECDS, and those that never change.

Two files of their own carry keys and limits, because an update of the listener would close connections, and an update
of the routes would reset the limits that live there.
"""

from mcp_wire import headers

from mcp_gateway.policy import Policy

from .names import API_KEYS, LIMITS, MCP, TOOLS, Resource, type_url, typed

LOGGED_BYTES = 64 << 10
"""How much of a body is read to learn method and tool for the log; what follows passes unread."""
INSPECTED_BYTES = 1 << 20
"""The longest body that can be judged, where some client may call certain tools only; longer ones are refused."""

MCP_HEADER_PREFIX = "x-mcp-"
FORWARDING = {"header": headers.CLIENT, "hide_credentials": True}
"""Who it is goes on to the server, the key does not. Repeat it on every route: one without it drops both."""

_API_KEY_AUTH = "extensions.filters.http.api_key_auth.v3.ApiKeyAuth"
_LOCAL_RATE_LIMIT = "extensions.filters.http.local_ratelimit.v3.LocalRateLimit"
_UNLIMITED = {"max_tokens": 4_000_000_000, "tokens_per_fill": 4_000_000_000, "fill_interval": "1s"}
_ALWAYS = {"default_value": {"numerator": 100, "denominator": "HUNDRED"}}


def api_keys(policy: Policy) -> Resource:
    """Return who has which key, as the filter's configuration. https://www.envoyproxy.io/docs/envoy/v1.40.0/configuration/http/http_filters/api_key_auth_filter"""
    credentials = [
        {"key": key, "client": client} for client, keys in sorted(policy.keys.items()) for key in sorted(keys)
    ]
    return typed(
        _API_KEY_AUTH,
        key_sources=[{"header": "authorization"}, {"header": "x-api-key"}],
        forwarding=FORWARDING,
        credentials=credentials,
    )


def limits(policy: Policy) -> Resource:
    """Return each client's requests a minute, as the filter's configuration. Clients without a limit have no entry.

    Buckets refill continuously; they start full, and anew whenever any limit changes. Each gateway counts for itself.
    """
    descriptors = [
        {
            "entries": [{"key": "client", "value": name}],
            "token_bucket": {"max_tokens": access.rpm, "tokens_per_fill": access.rpm, "fill_interval": "60s"},
        }
        for name, access in sorted(policy.clients.items())
        if access.rpm is not None
    ]
    return typed(
        _LOCAL_RATE_LIMIT,
        stat_prefix=LIMITS,
        filter_enabled=_ALWAYS,
        filter_enforced=_ALWAYS,
        token_bucket=_UNLIMITED,
        always_consume_default_token_bucket=False,
        descriptors=descriptors,
        rate_limits=[{"actions": [{"request_headers": {"header_name": headers.CLIENT, "descriptor_key": "client"}}]}],
        enable_retry_after_header=True,
    )


def discovered(name: str, message: str, path: str) -> Resource:
    """Return a filter whose configuration comes from a file."""
    source = {"resource_api_version": "V3", "path_config_source": {"path": path}}
    return {"name": name, "config_discovery": {"config_source": source, "type_urls": [type_url(message)]}}


def discovered_filters(api_keys_path: str, limits_path: str) -> tuple[Resource, ...]:
    """Return the whole chain, with keys and limits from files."""
    return _chain(
        discovered(API_KEYS, _API_KEY_AUTH, api_keys_path), discovered(LIMITS, _LOCAL_RATE_LIMIT, limits_path)
    )


def inline_filters(policy: Policy) -> tuple[Resource, ...]:
    """Return the whole chain with keys and limits inside: what `envoy --mode validate` can check."""
    return _chain(
        {"name": API_KEYS, "typed_config": api_keys(policy)}, {"name": LIMITS, "typed_config": limits(policy)}
    )


def _chain(keys: Resource, limits: Resource) -> tuple[Resource, ...]:
    """Who is it, how often, what does it want, may it, where is its session."""
    return (
        _health(),
        keys,
        limits,
        {"name": MCP, "typed_config": _mcp()},
        {"name": TOOLS, "typed_config": typed("extensions.filters.http.rbac.v3.RBAC")},
        {"name": "envoy.filters.http.stateful_session", "typed_config": _sessions()},
        {
            "name": "envoy.filters.http.router",
            "typed_config": typed("extensions.filters.http.router.v3.Router", suppress_envoy_headers=True),
        },
    )


def _health() -> Resource:
    """Answer /healthz: 200 while serving, 503 once the agent has told Envoy to drain."""
    path = {"name": ":path", "string_match": {"exact": "/healthz"}}
    config = typed("extensions.filters.http.health_check.v3.HealthCheck", pass_through_mode=False, headers=[path])
    return {"name": "envoy.filters.http.health_check", "typed_config": config}


def judged() -> Resource:
    """Return the MCP filter's setting for routes with rules about tools: what it can't read whole, it refuses.

    Among that: batches, and objects with a key twice, of which the server might read the other one.
    """
    return typed(
        "extensions.filters.http.mcp.v3.McpOverride",
        traffic_mode="REJECT_NO_MCP",
        max_request_body_size=INSPECTED_BYTES,
        reject_duplicate_keys=True,
    )


def _mcp() -> Resource:
    # The body says which method and tool it is; the headers that should repeat it are the bridge's to check.
    return typed(
        "extensions.filters.http.mcp.v3.Mcp",
        traffic_mode="PASS_THROUGH",
        attribute_source="BODY",
        max_request_body_size=LOGGED_BYTES,
    )


def _sessions() -> Resource:
    # The envelope puts the replica's address into the session id that the client sees, and takes it out again.
    state = typed(
        "extensions.http.stateful_session.envelope.v3.EnvelopeSessionState", header={"name": "mcp-session-id"}
    )
    return typed(
        "extensions.filters.http.stateful_session.v3.StatefulSession",
        session_state={"name": "envoy.http.stateful_session.envelope", "typed_config": state},
    )
