import pytest
from mcp_gateway.verification import FRESH_SECONDS, STALE_SECONDS, ResolutionError, Verifier, resolve

from gateway.tests.policies import endpoint

pytestmark = pytest.mark.anyio

TRUE = endpoint("time", "10.0.0.1")
SPOOFED = endpoint("time", "10.0.0.66", task="b")


class Dns:
    """What DNS says, and the time."""

    def __init__(self, **addresses):
        self.addresses = addresses
        self.asked = []
        self.now = 1000.0
        self.down = False

    async def resolve(self, host):
        self.asked.append(host)
        if self.down:
            raise ResolutionError(host)
        return frozenset(self.addresses.get(host, ()))

    def verifier(self, service_dns="{server}"):
        return Verifier(self.resolve, service_dns, lambda: self.now)


async def test_only_addresses_that_dns_lists_under_the_servers_name_are_true():
    dns = Dns(time=["10.0.0.1"], evil=["10.0.0.66"])
    verifier = dns.verifier()
    await verifier.refresh({"time": (TRUE, SPOOFED)})
    assert verifier.is_verified(TRUE)
    assert not verifier.is_verified(SPOOFED)


async def test_the_host_name_is_made_of_the_servers_name():
    dns = Dns(**{"tasks.time.": ["10.0.0.1"]})
    verifier = dns.verifier("tasks.{server}.")
    await verifier.refresh({"time": (TRUE,)})
    assert verifier.is_verified(TRUE)


async def test_what_dns_lists_late_is_true_then():
    dns = Dns()
    verifier = dns.verifier()
    await verifier.refresh({"time": (TRUE,)})
    assert not verifier.is_verified(TRUE)
    dns.addresses["time"] = ["10.0.0.1"]
    await verifier.refresh({"time": (TRUE,)})
    assert verifier.is_verified(TRUE)


async def test_confirmed_addresses_are_looked_up_again_only_after_a_while():
    dns = Dns(time=["10.0.0.1"])
    verifier = dns.verifier()
    await verifier.refresh({"time": (TRUE,)})
    await verifier.refresh({"time": (TRUE,)})
    assert dns.asked == ["time"]
    dns.now += FRESH_SECONDS
    dns.addresses["time"] = []
    await verifier.refresh({"time": (TRUE,)})
    assert not verifier.is_verified(TRUE)


async def test_without_dns_the_last_answer_counts_for_a_while_and_then_nothing():
    dns = Dns(time=["10.0.0.1"])
    verifier = dns.verifier()
    await verifier.refresh({"time": (TRUE,)})
    dns.down = True
    dns.now += STALE_SECONDS - 1
    await verifier.refresh({"time": (TRUE,)})
    assert verifier.is_verified(TRUE)
    dns.now += 1
    await verifier.refresh({"time": (TRUE,)})
    assert not verifier.is_verified(TRUE)


async def test_a_server_that_left_and_came_back_is_looked_up_anew():
    dns = Dns(time=["10.0.0.1"])
    verifier = dns.verifier()
    await verifier.refresh({"time": (TRUE,)})
    await verifier.refresh({})
    assert not verifier.is_verified(TRUE)


async def test_the_systems_resolver_answers():
    assert "127.0.0.1" in await resolve("localhost")
