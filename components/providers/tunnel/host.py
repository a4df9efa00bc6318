"""How a host is told of the tunnel: `fleet-tunnel` there, over SSH."""

import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Final

from components.providers.plain_errors import ProviderError
from components.providers.ssh_docker import HostError, SshHost, UnreachableError
from components.providers.ssh_run import Ran, run_over_ssh

from .inputs import EndInputs, Peer

COMMAND: Final = "sudo -n /usr/local/sbin/fleet-tunnel"
NOT_YET: Final = 75
"""What it ends with while WireGuard is being installed."""
RETRY_SECONDS: Final = 3.0
PARALLEL: Final = 16


class TunnelError(ProviderError):
    """A host's end of the tunnel can't be set; its text says why and what to do."""


@dataclass(frozen=True)
class Seen:
    """What a host's interface has: its public key, and those of its peers."""

    public_key: str
    peers: frozenset[str]


def set_end(inputs: EndInputs, *, strays: Sequence[str] = ()) -> None:
    """Give a host its end and its peers, once it is up; peers with the keys of `strays` are dropped.

    Raises:
        HostError: the host can't be reached, or not in time.
        TunnelError: it refuses.
    """
    deadline = time.monotonic() + inputs.ready_seconds
    while True:
        try:
            ran = run_over_ssh(inputs.host, inputs.private_key, f"{COMMAND} set", given=inputs.file())
        except UnreachableError:
            if time.monotonic() > deadline:
                raise
        else:
            if ran.code != NOT_YET:
                break
            if time.monotonic() > deadline:
                raise TunnelError(
                    f"{inputs.host}: WireGuard is not installed there after {inputs.ready_seconds} s; "
                    "see /var/log/cloud-init-output.log on it"
                )
        time.sleep(RETRY_SECONDS)
    _require(inputs.host, ran)
    if strays:
        _drop(inputs.host, inputs.private_key, strays)


def seen(inputs: EndInputs) -> Seen | None:
    """Tell what a host's interface has; None where there is none.

    Raises:
        HostError: the host can't be reached.
        TunnelError: it refuses.
    """
    printed = _require(inputs.host, run_over_ssh(inputs.host, inputs.private_key, f"{COMMAND} show"))
    if not printed:
        return None
    own, *peers = (line.split("\t")[0] for line in printed.splitlines())
    return Seen(own, frozenset(peers))


def forget(inputs: EndInputs) -> list[str]:
    """Have all peers drop this end, then end it. Return why those that could not be told could not.

    Raises:
        TunnelError: a host answers, and refuses.
    """

    def dropped(peer: Peer) -> str:
        try:
            _drop(peer.host, inputs.private_key, [inputs.public_key])
        except HostError as error:
            return str(error)
        return ""

    with ThreadPoolExecutor(PARALLEL) as pool:
        silent = list(pool.map(dropped, inputs.peers))
    try:
        _require(inputs.host, run_over_ssh(inputs.host, inputs.private_key, f"{COMMAND} down"))
    except HostError as error:
        silent.append(str(error))
    return [why for why in silent if why]


def _drop(host: SshHost, private_key: str, keys: Sequence[str]) -> None:
    _require(host, run_over_ssh(host, private_key, f"{COMMAND} remove", given="\n".join(keys) + "\n"))


def _require(host: SshHost, ran: Ran) -> str:
    """What a command printed. Raises TunnelError if it failed, but for want of WireGuard, without which nothing is."""
    if ran.code not in (0, NOT_YET):
        raise TunnelError(
            f"{host}: {ran.said or f'`{COMMAND}` ended with {ran.code}'}; cloud-init puts that command and its sudo "
            "rule on a machine at its first boot: see /var/log/cloud-init-output.log there"
        )
    return ran.printed
