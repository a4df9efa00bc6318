"""The generated configuration: what holds for every policy and every set of replicas."""

import json

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from mcp_gateway.catalog import Upstream
from mcp_gateway.envoy.filters import FORWARDING
from mcp_gateway.envoy.process import find_envoy
from mcp_gateway.envoy.resources import build
from mcp_gateway.envoy.validation import RejectedError, validate
from mcp_wire import token

from gateway.tests.policies import key, labels, policies, policy

MASTER = "the-master-secret"
few = settings(max_examples=30, deadline=None)
addresses = st.tuples(st.ip_addresses(v=4).map(str), st.integers(1, 65535))
upstream_lists = st.lists(
    st.builds(Upstream, labels, st.lists(addresses, max_size=3).map(lambda found: tuple(sorted(set(found))))),
    max_size=5,
    unique_by=lambda upstream: upstream.server,
)
prometheuses = st.none() | st.just(("prometheus", 9090))
otlps = st.none() | st.just(("collector", 4318))


def routes_of(resources):
    (host,) = resources.routes["virtual_hosts"]
    return {route["name"]: route for route in host["routes"]}


def filter_of(route, name):
    return route["typed_per_filter_config"].get(name)


@few
@given(policies(), upstream_lists, prometheuses)
def test_every_route_leads_to_a_cluster_and_says_who_may_use_it(given_policy, upstreams, prometheus):
    resources = build(given_policy, upstreams, master=MASTER, prometheus=prometheus)
    routes = routes_of(resources)
    assert {upstream.server for upstream in upstreams} == routes.keys() - {"-prometheus"}
    for name, route in routes.items():
        assert route["route"]["cluster"] in resources.clusters
        keys = filter_of(route, "api_keys")
        assert keys["forwarding"] == FORWARDING
        allowed = {client for client, access in given_policy.clients.items() if access.may_use(name)}
        assert keys["allowed_clients"] == (["operator"] if name == "-prometheus" else sorted(allowed))
        assert "operator" in keys["allowed_clients"]


@few
@given(policies(), upstream_lists)
def test_tools_are_judged_exactly_where_some_client_is_restricted(given_policy, upstreams):
    for name, route in routes_of(build(given_policy, upstreams, master=MASTER, prometheus=None)).items():
        restricted = {
            client
            for client, access in given_policy.clients.items()
            if access.may_use(name) and access.tools(name) is not None
        }
        rules = filter_of(route, "tools")
        assert (rules is not None) == bool(restricted) == (filter_of(route, "envoy.filters.http.mcp") is not None)
        if rules:
            assert rules["rbac"]["rules"]["policies"].keys() == {
                f"{rule}:{client}" for client in restricted for rule in ("tools", "unreadable")
            }


@few
@given(policies(), upstream_lists)
def test_the_order_of_what_comes_in_changes_nothing(given_policy, upstreams):
    def text(which, found):
        resources = build(which, found, master=MASTER, prometheus=None)
        clusters = [resources.clusters[name] for name in sorted(resources.clusters)]
        return json.dumps([clusters, resources.routes, resources.api_keys, resources.limits])

    turned = type(given_policy)(
        clients=dict(reversed(given_policy.clients.items())), keys=dict(reversed(given_policy.keys.items()))
    )
    assert text(given_policy, upstreams) == text(turned, list(reversed(upstreams)))


def test_each_server_gets_the_token_of_its_own_and_nobody_the_master():
    resources = build(policy(), [Upstream("time"), Upstream("notes")], master=MASTER, prometheus=("prometheus", 9090))
    tokens = {
        name: route["request_headers_to_add"][0]["header"]["value"]
        for name, route in routes_of(resources).items()
        if "request_headers_to_add" in route
    }
    assert tokens == {name: token.derive(MASTER, f"server:{name}") for name in ("time", "notes")}
    assert MASTER not in repr(resources)


def test_a_client_without_a_limit_has_no_bucket():
    resources = build(policy(slow={"rpm": 60}, fast={"rpm": None}), [], master=MASTER, prometheus=None)
    (descriptor,) = resources.limits["descriptors"]
    assert descriptor["entries"] == [{"key": "client", "value": "slow"}]
    assert descriptor["token_bucket"]["max_tokens"] == 60


@settings(max_examples=8, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(given_policy=policies(), upstreams=upstream_lists, prometheus=prometheuses, otlp=otlps)
@pytest.mark.anyio
async def test_envoy_accepts_whatever_is_generated(tmp_path, given_policy, upstreams, prometheus, otlp):
    resources = build(given_policy, upstreams, master=MASTER, prometheus=prometheus, otlp=otlp)
    await validate(find_envoy(), resources, given_policy, port=8080, candidate=tmp_path / "candidate.json")
    assert not (tmp_path / "candidate.json").exists()


@pytest.mark.anyio
async def test_envoy_refuses_a_bad_candidate_and_says_why_without_keys(tmp_path):
    given_policy = policy(codex={})
    resources = build(given_policy, [Upstream("time", (("no address", 8080),))], master=MASTER, prometheus=None)
    with pytest.raises(RejectedError, match="malformed IP address") as caught:
        await validate(find_envoy(), resources, given_policy, port=8080, candidate=tmp_path / "candidate.json")
    assert key("codex") not in str(caught.value)
    assert not (tmp_path / "candidate.json").exists()
