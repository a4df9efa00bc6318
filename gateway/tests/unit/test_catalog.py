import pytest
from mcp_gateway.catalog import GRACE_SECONDS, Catalog, Upstream, well_formed

from gateway.tests.policies import endpoint


class Clock:
    def __init__(self):
        self.now = 1000.0

    def __call__(self):
        return self.now


def verified(_):
    return True


def test_passing_and_verified_replicas_get_traffic_in_a_stable_order():
    one, two, sick = (endpoint("time", f"10.0.0.{n}", task=str(n), passing=n != 3) for n in (1, 2, 3))
    upstreams = Catalog(Clock()).update({"time": (two, sick, one), "notes": (endpoint("notes"),)}, verified)
    assert upstreams == (
        Upstream("notes", (("127.0.0.1", 8080),)),
        Upstream("time", (("10.0.0.1", 8080), ("10.0.0.2", 8080))),
    )


def test_a_server_without_a_verified_replica_is_not_routed():
    assert Catalog(Clock()).update({"evil": (endpoint("evil"),)}, lambda _: False) == ()


def test_a_server_whose_replicas_are_all_sick_is_known_but_empty():
    assert Catalog(Clock()).update({"time": (endpoint("time", passing=False),)}, verified) == (Upstream("time"),)


def test_a_server_that_is_gone_is_remembered_for_the_grace_and_then_forgotten():
    clock = Clock()
    catalog = Catalog(clock)
    catalog.update({"time": (endpoint("time"),)}, verified)
    clock.now += GRACE_SECONDS - 1
    assert catalog.update({}, verified) == (Upstream("time"),)
    clock.now += 1
    assert catalog.update({}, verified) == ()


@pytest.mark.parametrize(
    ("server", "address", "port", "good"),
    [
        ("time", "10.0.0.1", 8080, True),
        ("time", "fd00::1", 8080, True),
        ("time", "time", 8080, False),
        ("time", "", 8080, False),
        ("time", "10.0.0.1", 0, False),
        ("time", "10.0.0.1", 65536, False),
        ("Time", "10.0.0.1", 8080, False),
        ("../x", "10.0.0.1", 8080, False),
        ("-time", "10.0.0.1", 8080, False),
        ("t" * 64, "10.0.0.1", 8080, False),
        ("time\n", "10.0.0.1", 8080, False),
    ],
)
def test_registrations_that_envoy_could_not_use_are_told_apart(server, address, port, good):
    assert well_formed(endpoint(server, address, port)) is good
