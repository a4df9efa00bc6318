"""What the TunnelEnd provider accepts, what it calls a change, and what it sends to a host."""

import base64
from typing import Any

import pytest
from pulumi.dynamic.dynamic import serialize_provider
from pulumi.output import UNKNOWN

from components.hosts.fleet_tunnel import merged
from components.hosts.machine_keys import tunnel_keys
from components.providers.tunnel.inputs import inputs_of
from components.providers.tunnel_end import STRAYS, TunnelEndProvider

HOST_KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIOwXNYZQ5F4wYUMDzSrPEW5LqiAnEoa57aJkUgnplkx7"
KEYS = {name: tunnel_keys(name) for name in ("one", "two", "three")}


def sshd(address: str) -> dict[str, Any]:
    return {"address": address, "host_key": HOST_KEY}


def peer(name: str, address: str) -> dict[str, Any]:
    return {
        "name": name,
        "host": sshd("198.51.100.2"),
        "public_key": KEYS[name].public,
        "address": address,
        "endpoint": "198.51.100.2",
        "port": 51820,
        "keepalive_seconds": 25,
    }


def inputs(**changes: Any) -> dict[str, Any]:
    return {
        "name": "one",
        "machine": "i-1",
        "host": sshd("198.51.100.1"),
        "private_key": "the login key",
        "tunnel_key": KEYS["one"].private,
        "public_key": KEYS["one"].public,
        "network": "100.64.0.0/10",
        "address": "100.64.0.1",
        "port": 51820,
        "mtu": 1420,
        "peers": [peer("two", "100.64.0.2")],
        **changes,
    }


def checked(**changes: Any) -> dict[str, Any]:
    result = TunnelEndProvider().check({}, inputs(**changes))
    assert [(failure.property, failure.reason) for failure in result.failures] == []
    return result.inputs


def test_a_host_takes_what_it_is_sent() -> None:
    told = inputs_of(checked(peers=[peer("two", "100.64.0.2"), peer("three", "100.64.0.3")])).file()
    assert merged(told, known="") == told
    assert "Address = 100.64.0.1/10\n" in told
    assert f"PublicKey = {KEYS['two'].public}\nAllowedIPs = 100.64.0.2/32\nEndpoint = 198.51.100.2:51820\n" in told


@pytest.mark.parametrize(
    ("change", "where", "what"),
    [
        ({"tunnel_key": "short"}, "tunnel_key", "match pattern"),
        ({"address": "10.0.0.1"}, "address", "10.0.0.1 of one is not in the tunnel's network 100.64.0.0/10"),
        ({"peers": [peer("two", "100.64.0.1")]}, "address", "one and two have the same address 100.64.0.1"),
        ({"peers": [{**peer("two", "100.64.0.2"), "endpoint": "host\n[Peer]"}]}, "peers.0.endpoint", "IPv4 address"),
        ({"mtu": 100}, "mtu", "greater than or equal to 1280"),
    ],
)
def test_what_is_wrong_is_told_without_a_key(change: dict[str, Any], where: str, what: str) -> None:
    (failure,) = TunnelEndProvider().check({}, inputs(**change)).failures
    assert failure.property == where
    assert what in failure.reason
    assert KEYS["one"].private not in failure.reason


@pytest.mark.parametrize(
    ("change", "replaces"),
    [
        ({"peers": [peer("three", "100.64.0.3")]}, []),
        ({"tunnel_key": KEYS["two"].private}, []),
        ({"machine": "i-9"}, ["machine"]),
    ],
)
def test_only_another_machine_is_another_end(change: dict[str, Any], replaces: list[str]) -> None:
    result = TunnelEndProvider().diff("i-1", checked(), checked(**change))
    assert (result.changes, result.replaces) == (True, replaces)


def test_a_peer_that_is_not_known_yet_changes_this_end_and_does_not_replace_it() -> None:
    news = inputs(peers=[{**peer("two", "100.64.0.2"), "address": UNKNOWN, "endpoint": UNKNOWN}])
    told = TunnelEndProvider().check(checked(), news)
    assert told.failures == []
    result = TunnelEndProvider().diff("i-1", checked(), told.inputs)
    assert (result.changes, result.replaces) == (True, [])


def test_peers_that_nobody_asked_for_are_a_change() -> None:
    assert not TunnelEndProvider().diff("i-1", {**checked(), STRAYS: []}, checked()).changes
    assert TunnelEndProvider().diff("i-1", {**checked(), STRAYS: [KEYS["three"].public]}, checked()).changes


def test_what_is_stored_of_the_provider_is_its_name() -> None:
    stored = base64.b64decode(serialize_provider(TunnelEndProvider()))
    assert b"components.providers.tunnel_end" in stored
    assert len(stored) < 120
