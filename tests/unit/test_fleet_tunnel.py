"""What the command on a host takes, and what it makes of the peers that it knows."""

import base64

import pytest

from components.hosts.fleet_tunnel import RefusedError, main, merged, without

OWN = """\
[Interface]
PrivateKey = {key}
ListenPort = 51820
Address = 100.64.0.1/10
MTU = 1420
"""


def key(number: int) -> str:
    return base64.b64encode(bytes([number]) * 32).decode()


def peer(number: int, *, address: int | None = None, endpoint: str = "198.51.100.7:51820") -> str:
    return (
        f"[Peer]\nPublicKey = {key(number)}\nAllowedIPs = 100.64.0.{address or number}/32\n"
        f"Endpoint = {endpoint}\nPersistentKeepalive = 25\n"
    )


def end(*peers: str, own: int = 1) -> str:
    return OWN.format(key=key(own)) + "".join(peers)


def test_peers_that_are_not_listed_stay() -> None:
    assert merged(end(peer(2), peer(3)), known="") == end(peer(2), peer(3))
    assert merged(end(peer(3)), known=end(peer(2))) == end(peer(3), peer(2))


def test_a_peer_that_moved_or_has_another_key_is_known_once() -> None:
    moved = peer(2, endpoint="198.51.100.8:51820")
    assert merged(end(moved), known=end(peer(2))) == end(moved)
    assert merged(end(peer(9, address=2)), known=end(peer(2))) == end(peer(9, address=2))
    assert merged(end(own=8), known=end(peer(2))) == end(peer(2), own=8)


def test_peers_are_dropped_by_their_keys() -> None:
    assert without(end(peer(2), peer(3)), [key(2), key(7)]) == end(peer(3))


@pytest.mark.parametrize(
    "told",
    [
        "",
        peer(2),
        end() + "PostUp = touch /root/was-here\n",
        end().replace("MTU = 1420\n", "MTU = 1420\nPostUp = true\n"),
        end().replace("51820", "51820\nPreDown = true"),
        end(peer(2).replace("/32", "/0")),
        end(peer(2, endpoint="example.com:51820")),
        end(peer(2).replace(key(2), "c2hvcnQ=")),
        end(end()),
        "#" + end(),
        end() + "\0",
    ],
)
def test_nothing_but_keys_addresses_and_numbers_gets_into_the_file(told: str) -> None:
    with pytest.raises(RefusedError, match="as wg-quick has them") as refused:
        merged(told, known="")
    assert key(1) not in str(refused.value)


@pytest.mark.parametrize("arguments", [[], ["up"], ["set", "/etc/shadow"]])
def test_other_commands_are_refused(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(arguments) == 2
    assert capsys.readouterr().err == "usage: fleet-tunnel set|remove|show|down\n"
