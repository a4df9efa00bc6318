"""Asks the managers of a Swarm, one after the other, how they see it."""

import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field

from components.providers.plain_errors import ProviderError
from components.providers.ssh_docker import DockerHost, SshHost, UnreachableError, docker_over_ssh

from .asking import SETTLE_SECONDS, view
from .errors import NoQuorumError, SwarmError
from .membership import Swarm
from .quorum import View, led

RETRY_SECONDS = 3.0


@dataclass
class Survey:
    """What hosts answered, and the open ways to those that did.

    Attributes:
        views: in the order of the hosts.
        connections: by the host as views name it.
    """

    views: list[View] = field(default_factory=list)
    connections: dict[str, DockerHost] = field(default_factory=dict)

    def swarm(self) -> Swarm | None:
        """The Swarm, through the first of the hosts that can change it; None if none of them is in one.

        Raises:
            NoQuorumError: they are in one that has none.
        """
        through = led(self.views)
        return self.through(through) if through else None

    def through(self, manager: View) -> Swarm:
        """The Swarm, through this manager."""
        return Swarm(self.connections[manager.host])

    def unanswered(self) -> list[str]:
        """Why those hosts that didn't answer didn't."""
        return [seen.why for seen in self.views if seen.state == "unreachable"]


@contextmanager
def survey(hosts: Sequence[SshHost], private_key: str, *, all_of_them: bool = False) -> Iterator[Survey]:
    """Ask the hosts; unless `all_of_them` is wanted, only until one can change its Swarm.

    A host that can't be reached, or isn't who it was, is a view like any other.
    """
    asked = Survey()
    with ExitStack() as stack:
        for host in hosts:
            try:
                connection = stack.enter_context(docker_over_ssh(host, private_key))
                # One election is waited for, not one a manager.
                waited = any(seen.state == "leaderless" for seen in asked.views)
                seen = view(connection, 0 if waited else SETTLE_SECONDS)
            except ProviderError as error:
                asked.views.append(View(str(host), "unreachable", why=str(error)))
                continue
            asked.views.append(seen)
            asked.connections[seen.host] = connection
            if seen.state == "led" and not all_of_them:
                break
        yield asked


@contextmanager
def awaited(host: SshHost, private_key: str, seconds: float) -> Iterator[DockerHost]:
    """The Docker of a host that may still be starting.

    Raises:
        UnreachableError: it didn't answer within so many seconds.
        HostError: it answered, and waiting won't help.
    """
    deadline = time.monotonic() + seconds
    with ExitStack() as stack:
        while True:
            try:
                connection = stack.enter_context(docker_over_ssh(host, private_key))
                break
            except UnreachableError:
                if time.monotonic() > deadline:
                    raise
                time.sleep(RETRY_SECONDS)
        yield connection


def require_quorum(managers: Sequence[SshHost], private_key: str) -> None:
    """Check, before anything is refreshed or changed, that no manager says its Swarm has lost its quorum.

    Managers that can't be reached prove nothing, and nor do hosts in no Swarm yet: what needs them fails by itself.

    Raises:
        NoQuorumError: it has lost it; says how to recover.
    """
    with survey(managers, private_key) as asked:
        try:
            led(asked.views)
        except NoQuorumError:
            raise
        except SwarmError:
            return  # a locked or a second Swarm: what changes it says so
