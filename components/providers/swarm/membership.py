"""A host's membership of a Swarm, changed over the Docker API: joined, described, drained, removed."""

import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final, TypeVar

import docker
from docker.errors import APIError, DockerException

from components.providers.ssh_docker import DockerHost

from .asking import POLL_SECONDS, SETTLE_SECONDS, asked, reason, settled, view, wait_for
from .errors import GoneError, SwarmError
from .quorum import (
    NODE_LABEL,
    SWARM_LABEL,
    Member,
    displaced,
    members,
    require_no_loss,
    running,
    unreachable_predecessors,
)

T = TypeVar("T")

ROLE_SECONDS: Final = 90.0
"""How long a node may take to be known in a new role to all managers."""
LISTEN_PORT: Final = 2377


class Swarm:
    """A Swarm with a leader, as one of its managers shows and changes it."""

    def __init__(self, manager: DockerHost) -> None:
        self._manager = manager
        self._api: docker.APIClient = manager.api

    def nodes(self) -> list[dict[str, Any]]:
        """All nodes, as GET /nodes has them."""
        return self._settled(self._api.nodes)

    def cluster(self) -> str:
        """The Swarm's id."""
        return str(self._settled(self._api.inspect_swarm)["ID"])

    def members(self) -> list[Member]:
        """All nodes, as the rules of the quorum see them."""
        return members(self.nodes())

    def node(self, node_id: str) -> dict[str, Any] | None:
        """One node; None if the Swarm doesn't have it."""
        return next((node for node in self.nodes() if node["ID"] == node_id), None)

    def admit(self, host: DockerHost, *, advertise: str, manager: bool) -> str:
        """Let a host join, and return its node's id. The join token is fetched, used and forgotten here.

        Raises:
            SwarmError: the host can't join; with Docker's reason.
        """
        swarm = self._settled(self._api.inspect_swarm)
        role = "Manager" if manager else "Worker"
        leader = [node["ManagerStatus"]["Addr"] for node in self.nodes() if node.get("ManagerStatus")]
        try:
            host.api.join_swarm(
                remote_addrs=leader,
                join_token=swarm["JoinTokens"][role],
                listen_addr=f"{advertise}:{LISTEN_PORT}",
                advertise_addr=advertise,
                data_path_addr=advertise,
            )
        except (DockerException, OSError) as error:
            raise SwarmError(
                f"{host.host}: can't join the Swarm of {self._manager.host}: {reason(error)}; "
                f"{advertise} must reach the managers' {LISTEN_PORT}/tcp, 7946/tcp+udp and 4789/udp, and they it"
            ) from None
        joined = wait_for(lambda: view(host).node, SETTLE_SECONDS, f"{host.host} to have joined")
        wait_for(
            lambda: (found := self.node(joined)) and found["Status"]["State"] == "ready",
            ROLE_SECONDS,
            f"{host.host} to be ready in the Swarm",
        )
        return joined

    def clear_stale(self, *, name: str, address: str, own: str | None) -> None:
        """Remove the entries of dead machines whose place this node takes.

        Raises:
            SwarmError: one of them can't stop being a manager without the quorum being lost, or the Swarm does not find
                out whether it is down.
        """

        def predecessors() -> tuple[list[Member], list[Member]]:
            return unreachable_predecessors(self.members(), name=name, address=address, own=own)

        wait_for(lambda: not predecessors()[1], ROLE_SECONDS, f"the Swarm to find out whether {name} is down")
        for member in predecessors()[0]:
            self.demote(member.id)
            self.forget(member.id)

    def describe(self, node_id: str, *, role: str, availability: str, labels: Mapping[str, str]) -> None:
        """Give a node exactly this role, availability and these labels.

        Raises:
            SwarmError: it can't stop being a manager without the quorum being lost.
        """
        if role == "worker":
            self.demote(node_id)
        self._respecify(node_id, Role=role, Availability=availability, Labels=dict(labels))
        if role == "manager":
            wait_for(
                lambda: any(item.id == node_id and item.manager and item.reachable for item in self.members()),
                ROLE_SECONDS,
                f"node {node_id} to be a reachable manager",
            )

    def demote(self, node_id: str) -> None:
        """Make a node a worker, and wait until it no longer counts for the quorum.

        Raises:
            SwarmError: the quorum would be lost.
        """
        require_no_loss(self.members(), node_id)
        try:
            self._respecify(node_id, Role="worker")
        except GoneError:  # after `--force-new-cluster`, a dead manager has an entry but is no member of the quorum
            return
        wait_for(
            lambda: all(item.id != node_id or not item.manager for item in self.members()),
            ROLE_SECONDS,
            f"node {node_id} to be a worker",
        )

    def drain(self, node_id: str, seconds: float) -> None:
        """Stop all tasks of a node, and wait until their services run as many elsewhere.

        A machine that doesn't answer is not waited for. One that was drained before isn't either: who was told that its
        servers find no other place, and asks again, gets it.

        Raises:
            SwarmError: not within so many seconds.
        """
        before = self._settled(self._api.tasks)
        self._respecify(node_id, Availability="drain")
        found = self.node(node_id)
        if found is None or found["Status"]["State"] != "ready":
            return
        deadline = time.monotonic() + seconds
        while True:
            now = self._settled(self._api.tasks)
            left = [task for task in running(now) if task.get("NodeID") == node_id]
            homeless = displaced(before, now, node_id)
            if not left and not homeless:
                return
            if time.monotonic() > deadline:
                names = {item["ID"]: item["Spec"]["Name"] for item in self._settled(self._api.services)}
                waiting = sorted(names.get(key, key) for key in homeless or {task["ServiceID"] for task in left})
                raise SwarmError(
                    f"{_called(found)} is drained, but after {seconds:.0f} s these services don't run elsewhere: "
                    f"{', '.join(waiting)}; give them a place (`docker service ps` says what is missing), or run this "
                    "again to remove the node all the same"
                )
            time.sleep(POLL_SECONDS)

    def forget(self, node_id: str) -> None:
        """Remove the entry of a node that has left or is dead; it may be gone already."""
        try:
            self._settled(lambda: self._api.remove_node(node_id, force=True))
        except GoneError:
            return

    def _respecify(self, node_id: str, **changes: object) -> None:
        """Change a node's specification, unless it is so already."""

        def change() -> bool:
            found = self._api.inspect_node(node_id)
            if all(found["Spec"].get(key) == value for key, value in changes.items()):
                return True
            try:
                spec: Any = {**found["Spec"], **changes}
                self._api.update_node(node_id, found["Version"]["Index"], spec)
            except APIError as error:
                if "out of sequence" in str(error):  # somebody else changed it in between: read it again
                    return False
                raise
            return True

        wait_for(lambda: self._settled(change), SETTLE_SECONDS, f"node {node_id} to take its new settings")

    def _settled(self, ask: Callable[[], T]) -> T:
        return settled(self._manager, ask)


def found(host: DockerHost, *, swarm: str, advertise: str, pools: Sequence[str], data_path_port: int) -> None:
    """Make a host the first manager of a new Swarm.

    Source: https://docs.docker.com/reference/api/engine/version/v1.41/#tag/Swarm/operation/SwarmInit

    Args:
        host: of the first manager.
        swarm: the Swarm's name, written on it.
        advertise: the host's address for the others.
        pools: networks, in CIDR form, of which the overlay networks get /24 each; Docker's own if empty.
        data_path_port: UDP port of the overlay networks' traffic.

    Raises:
        SwarmError: Docker refuses.
    """
    spec = host.api.create_swarm_spec(labels={SWARM_LABEL: swarm})
    try:
        host.api.init_swarm(
            advertise_addr=advertise,
            listen_addr=f"{advertise}:{LISTEN_PORT}",
            data_path_addr=advertise,
            data_path_port=data_path_port,
            default_addr_pool=list(pools) or None,
            subnet_size=24 if pools else None,
            swarm_spec=spec,
        )
    except (DockerException, OSError) as error:
        raise SwarmError(f"{host.host}: can't make a Swarm on {advertise}: {reason(error)}") from None


def leave(host: DockerHost, *, last: bool) -> None:
    """Have a host leave its Swarm; `last` is for its last manager, with which the Swarm ends.

    Raises:
        SwarmError: Docker refuses.
    """
    # A node that was demoted a moment ago may not know yet that it is a worker, and refuses until then.
    wait_for(
        lambda: last or view(host).state in ("worker", "none"),
        ROLE_SECONDS,
        f"{host.host} to know that it is no manager any more",
    )
    asked(host, lambda: host.api.leave_swarm(force=last) if view(host).state != "none" else True)


def labels_of(swarm: str, name: str, labels: Mapping[str, str]) -> dict[str, str]:
    """All labels of a node: those of the stack's author, and by which it is found again."""
    return {**labels, SWARM_LABEL: swarm, NODE_LABEL: name}


def _called(node: Mapping[str, Any]) -> str:
    return str((node["Spec"].get("Labels") or {}).get(NODE_LABEL) or node["Description"]["Hostname"])
