"""Whom each end of the tunnel knows, where it finds them, and what another key or another machine changes."""

import ipaddress
from typing import Any

from components.tunnel import Tunnel, TunnelArgs, TunnelHost, tunnel_address

from .examples import secret, tunnel
from .recording_engine import deploy, is_secret

END = ":TunnelEnd"
NETWORK = "100.64.0.0/10"


def ends() -> dict[str, Any]:
    engine, _ = deploy(tunnel)
    return {name.removeprefix("tunnel-"): found.inputs for name, found in engine.of_type(END).items()}


def test_each_end_knows_all_others_where_it_reaches_them() -> None:
    found = ends()
    seen = {
        (name, peer["name"]): (peer["endpoint"], peer["keepalive_seconds"])
        for name, inputs in found.items()
        for peer in inputs["peers"]
    }
    assert seen == {
        ("m1", "m2"): ("10.80.0.2", 0),
        ("m2", "m1"): ("10.80.0.1", 0),
        ("m1", "gpu-1"): ("198.51.100.3", 25),
        ("m2", "gpu-1"): ("198.51.100.3", 25),
        ("gpu-1", "m1"): ("198.51.100.1", 25),
        ("gpu-1", "m2"): ("198.51.100.2", 25),
    }
    for inputs in found.values():
        for peer in inputs["peers"]:
            other = found[peer["name"]]
            assert (peer["public_key"], peer["address"]) == (other["public_key"], other["address"])
            assert peer["host"]["address"] == other["host"]["address"]


def test_what_is_private_is_a_secret_and_the_rest_is_shown() -> None:
    for inputs in ends().values():
        assert is_secret(inputs["private_key"])
        assert is_secret(inputs["tunnel_key"])
        assert not is_secret(inputs["public_key"]), "a preview shows which key changes"


def test_a_key_lasts_until_the_machine_or_the_number_of_the_keys_changes() -> None:
    def keepers(keys: int, machine: str) -> Any:
        host = TunnelHost(name="one", machine=machine, address="198.51.100.1", host_key="ssh-ed25519 AAAA")
        args = TunnelArgs(hosts=[host], private_key=secret("ssh key"), keys=keys)
        engine, _ = deploy(lambda: Tunnel("tunnel", args))
        return engine.one("RandomPassword", "tunnel-one").inputs["keepers"]

    assert keepers(1, "i-1") == keepers(1, "i-1")
    assert len({str(keepers(*these)) for these in ((1, "i-1"), (2, "i-1"), (1, "i-2"))}) == 3


def test_an_address_is_a_machine_s_own_whoever_else_is_there() -> None:
    network = ipaddress.IPv4Network(NETWORK)
    found = {tunnel_address(NETWORK, f"i-{number}") for number in range(50)}
    assert len(found) == 50
    assert all(ipaddress.IPv4Address(address) in network for address in found)
    assert {tunnel_address("10.0.0.0/30", f"i-{number}") for number in range(50)} == {"10.0.0.1", "10.0.0.2"}
