"""End machines, and know that they are gone: what is not gone is paid for."""

import socket
from collections.abc import Sequence

from components.providers.plain_errors import ProviderError

from .api import LambdaLabs
from .client import RefusedError
from .models import GONE

SSH_SECONDS = 5.0
ENDED = frozenset({"terminated", "preempted"})
"""States in which there is nothing to wait for. The API's description does not say what becomes of a preempted one."""


def look_again(api: LambdaLabs) -> None:
    """Let some time pass before the next look at something that takes its time."""
    api.clock.pause(api.settings.poll_seconds)


def terminate(api: LambdaLabs, ids: Sequence[str]) -> None:
    """End the machines `ids` and return when they are gone.

    Raises:
        ProviderError: One is still there after `terminate_seconds`; the message names it.
    """
    for id_ in ids:
        _ask(api, id_)
    give_up = api.clock.now() + api.settings.terminate_seconds
    left = list(ids)
    while left:
        left = [id_ for id_ in left if (found := api.instance(id_)) and found.status not in ENDED]
        if left and api.clock.now() >= give_up:
            raise ProviderError(
                f"Lambda Labs: still terminating after {api.settings.terminate_seconds:.0f} s, and paid for: "
                f"{', '.join(left)}; run again, or look at https://cloud.lambda.ai/instances"
            )
        if left:
            look_again(api)


def _ask(api: LambdaLabs, id_: str) -> None:
    try:
        api.terminate(id_)
    except RefusedError:
        found = api.instance(id_)
        if found and found.status not in GONE | ENDED:
            raise


def answers_ssh(address: str, port: int) -> bool:
    """Whether an SSH server greets whoever connects (RFC 4253, 4.2)."""
    try:
        with socket.create_connection((address, port), timeout=SSH_SECONDS) as connection:
            connection.settimeout(SSH_SECONDS)
            return connection.recv(4) == b"SSH-"
    except OSError:
        return False
