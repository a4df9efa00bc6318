"""Asks a host's Docker, and waits: for answers, for elections, for what was asked to come true."""

import time
from collections.abc import Callable
from typing import Final, TypeVar

from docker.errors import APIError, DockerException, NotFound

from components.providers.ssh_docker import DockerHost

from .errors import GoneError, NoQuorumError, SwarmError
from .quorum import SWARM_LABEL, View, without_quorum

SETTLE_SECONDS: Final = 30.0
"""How long an election or a daemon's start may take before it counts as failed."""
POLL_SECONDS: Final = 0.5
LEADERLESS: Final = "does not have a leader"
ELECTING: Final = (LEADERLESS, "no elected cluster leader", "code = Unavailable", "DeadlineExceeded")
"""What a manager answers while it has no leader, or takes one that died for it.

Source: manager/state/raft/raft.go of moby/swarmkit, and daemon/cluster/errors.go of moby/moby.
"""
DISK_FULL: Final = "no space left on device"
FREE_DISK: Final = (
    "its disk is full: run `docker system prune --all` there, or give the machine a larger disk; then run this again"
)
T = TypeVar("T")


def view(connection: DockerHost, seconds: float = SETTLE_SECONDS) -> View:
    """What a host's Docker says of its Swarm, once an election or its start is over, for at most so many seconds.

    Raises:
        SwarmError: Docker can't say.
    """
    deadline = time.monotonic() + seconds
    while True:
        swarm = asked(connection, connection.api.info)["Swarm"]
        host, state, node = str(connection.host), swarm["LocalNodeState"], swarm.get("NodeID", "")
        leads = swarm.get("ControlAvailable") and not swarm.get("Error")
        if state == "inactive":
            return View(host, "none")
        if state == "locked":
            return View(host, "locked", node=node)
        if state == "active" and leads and swarm.get("Cluster"):
            labels = swarm["Cluster"]["Spec"].get("Labels") or {}
            return View(host, "led", swarm["Cluster"]["ID"], labels.get(SWARM_LABEL, ""), node)
        if state == "active" and not swarm.get("ControlAvailable"):
            return View(host, "worker", node=node)
        if time.monotonic() > deadline:
            if state == "active":
                return View(host, "leaderless", node=node)
            told = swarm.get("Error") or "no reason given"
            raise SwarmError(f"{host}: Docker's Swarm is {state} ({told}); see `journalctl -u docker` there")
        time.sleep(POLL_SECONDS)


def settled(manager: DockerHost, ask: Callable[[], T]) -> T:
    """The answer to a question that only a Swarm with a leader can give; an election is waited for.

    Raises:
        NoQuorumError: there is still no leader after half a minute.
        GoneError: what was asked for isn't there.
        SwarmError: Docker refuses.
    """
    deadline = time.monotonic() + SETTLE_SECONDS
    while True:
        try:
            return ask()
        except NotFound as error:
            told = f"{manager.host}: the Swarm does not have it any more: {reason(error)}; run `pulumi up --refresh`"
            raise GoneError(told) from None
        except APIError as error:
            over = time.monotonic() > deadline
            if over and LEADERLESS in str(error):
                raise NoQuorumError(without_quorum(View(str(manager.host), "leaderless"), [])) from None
            if over or not any(words in str(error) for words in ELECTING):
                raise SwarmError(f"{manager.host}: Docker refuses: {reason(error)}") from None
            time.sleep(POLL_SECONDS)
        except (DockerException, OSError) as error:
            told = f"{manager.host}: the connection broke: {reason(error)}; run this again"
            raise SwarmError(told) from None


def wait_for(condition: Callable[[], T], seconds: float, what: str) -> T:
    """Return what `condition` gives as soon as it gives anything.

    Raises:
        SwarmError: not within so many seconds.
    """
    deadline = time.monotonic() + seconds
    while not (given := condition()):
        if time.monotonic() > deadline:
            raise SwarmError(f"waited {seconds:.0f} s in vain for {what}; run this again, and see Docker's log there")
        time.sleep(POLL_SECONDS)
    return given


def asked(connection: DockerHost, ask: Callable[[], T]) -> T:
    """The answer of a host's Docker.

    Raises:
        SwarmError: it refuses, or the connection broke.
    """
    try:
        return ask()
    except (DockerException, OSError) as error:
        raise SwarmError(f"{connection.host}: Docker does not answer as it should: {reason(error)}") from None


def reason(error: Exception) -> str:
    """What Docker says is wrong, with what to do where it is a matter of the host's disk."""
    told = str(getattr(error, "explanation", None) or error)
    return f"{told}; {FREE_DISK}" if DISK_FULL in told else told
