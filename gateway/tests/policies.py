"""Policies and registrations for tests."""

from typing import Any

from hypothesis import strategies as st
from mcp_gateway.policy import Policy
from mcp_wire.registration import Endpoint


def key(client: str) -> str:
    """Return the API key that `policy` gives a client."""
    return f"key-of-{client}-0123456789"


def policy(**clients: dict[str, Any]) -> Policy:
    """Return a policy in which each client, and the operator, has one key."""
    keys = {name: [key(name)] for name in (*clients, "operator")}
    return Policy.from_parts({"clients": clients, "keys": keys}, source="test")


def endpoint(server: str, address: str = "127.0.0.1", port: int = 8080, *, passing: bool = True, task: str = "a"):
    return Endpoint(id=f"mcp-{server}-001-{task}", server=server, address=address, port=port, passing=passing)


labels = st.from_regex(r"[a-z0-9]([a-z0-9-]{0,10}[a-z0-9])?", fullmatch=True)
tools = st.text(st.characters(codec="utf-8", exclude_categories=("Cs", "Cc")), min_size=1, max_size=20)
servers = st.dictionaries(labels, st.just("*") | st.frozensets(tools, max_size=4), max_size=4)
access = st.fixed_dictionaries(
    {
        "rpm": st.none() | st.integers(1, 100_000),
        "tier": st.just("") | labels,
        "priority": st.integers(0, 999),
        "servers": st.just("*") | servers,
    }
)
clients = st.dictionaries(labels.filter(lambda name: name != "operator"), access, max_size=5)


@st.composite
def policies(draw: st.DrawFn) -> Policy:
    """Any policy that the policy service would serve."""
    given = draw(clients)
    keys = draw(st.dictionaries(st.sampled_from(["operator", *given]), st.integers(1, 3)))
    parts = {
        "clients": given,
        "keys": {
            name: [f"{name}-{number}-0123456789abcdef" for number in range(count)] for name, count in keys.items()
        },
    }
    return Policy.from_parts(parts, source="hypothesis")
